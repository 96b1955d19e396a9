"""Everything that can go wrong on purpose, in one tree.

* :exc:`ArbError`
    * :exc:`WireError`: a frame we cannot read; count it, keep it, go on
        * :exc:`SequenceGap`: frames are missing; the book must be rebuilt
    * :exc:`TransportError`: a connection or a request failed; back off and try again
        * :exc:`CredentialsError`: the other side refuses our key; trying again is pointless
    * :exc:`ListingError`: a listing of markets cannot be trusted to be whole
    * :exc:`LLMError`: every provider failed
        * :exc:`BudgetExceeded`: the day's money is spent; nothing was sent
        * :exc:`ProvidersRefuse`: no provider accepts our key or account; nothing was sent
    * :exc:`StorageError`: the lake or the spool cannot do what was asked
        * :exc:`NewerSchema`: a newer program wrote this lake
        * :exc:`DiskFull`: nothing was acknowledged, nothing was lost
        * :exc:`LakeUnavailable`: the catalogue is missing, broken or out of reach
    * :exc:`SettingsError`: a setting or an argument does not make sense

The text of each error is one sentence that says what happened and what to do next; the command
line prints it as it is.
"""


class ArbError(Exception):
    """Base of every error this package raises on purpose."""


class WireError(ArbError):
    """A frame or a document of a venue does not have the shape it should have."""


class SequenceGap(WireError):
    """The venue's sequence jumped: frames between are missing."""


class TransportError(ArbError):
    """A connection or request failed in a way that may pass."""


class CredentialsError(TransportError):
    """The other side refused our credentials (HTTP 401 or 403)."""


class ListingError(ArbError):
    """A listing ended in a way that proves it is not whole."""


class LLMError(ArbError):
    """No provider gave a usable answer."""


class BudgetExceeded(LLMError):
    """The daily budget does not allow another call."""


class ProvidersRefuse(LLMError):
    """Every provider has refused our key or account before; asking again is pointless until that is mended."""


class StorageError(ArbError):
    """The lake or the spool cannot do what was asked."""


class NewerSchema(StorageError):
    """The lake was written by a newer program than this one."""


class DiskFull(StorageError):
    """There is no room for another segment."""


class LakeUnavailable(StorageError):
    """The catalogue cannot be attached."""


class SettingsError(ArbError):
    """A setting or an argument does not make sense."""
