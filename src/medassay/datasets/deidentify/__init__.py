"""Headers without people: what may stand is listed, everything else goes; what must stay is listed too.

Hands out `dicom.clean` for images, `characters.read_text` for names in any character set, and `proof.walk`,
which reads the result again byte by byte without the library that wrote it.
"""
