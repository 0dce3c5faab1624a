"""Exchange: data come in from three CSV files, and go out with a codebook and checksums.

`csvfile` and `rows` read the files, `batch` puts them together, `compare` holds them against what
is there, `importing` adds what is new. `columns` says what an export holds, `tables` makes its
rows, `codebook` explains them, `exporting` writes the folder.
"""

from .csvfile import BadFilesError as BadFilesError
from .exporting import Exported as Exported
from .exporting import Part as Part
from .exporting import export_folder as export_folder
from .importing import Imported as Imported
from .importing import import_folder as import_folder
