"""Imaging formats: DICOM objects, research volumes."""
