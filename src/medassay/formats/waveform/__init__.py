"""Waveform formats: WFDB, EDF+."""
