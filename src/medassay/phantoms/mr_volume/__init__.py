"""MR volumes as hospitals export them: series of several scanners, readers' segmentations, planted defects.

`generate` writes below one folder a site's series (DICOM, with invented people in every header) and the
readers' files, and beside it the truth: who is whom, and what was planted where with what it must end as.
"""

from medassay.phantoms.mr_volume.export import generate
from medassay.phantoms.mr_volume.parameters import Parameters

__all__ = ["Parameters", "generate"]
