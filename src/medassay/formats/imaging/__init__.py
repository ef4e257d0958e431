"""Imaging formats: DICOM in all its kinds, NIfTI volumes, and pictures of photographs and micrographs.

One door for whoever asks what a file is: `examine.recognise` names its form by content, `examine.examine_file`
says what it is and what is wrong with it. Below it, a module a kind gives samples and geometry.
"""
