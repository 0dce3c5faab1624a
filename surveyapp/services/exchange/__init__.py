"""Exchange: data come in from three CSV files, and go out with a codebook and checksums.

`csvfile` and `rows` read the files, `batch` puts them together, `compare` holds them against what
is there, `importing` adds what is new.
"""

from .csvfile import BadFilesError as BadFilesError
from .importing import Imported as Imported
from .importing import import_folder as import_folder
