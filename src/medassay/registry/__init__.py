"""Devices and what they hand in: who may do what, and what was looked at.

Hands out the device contract (`DeviceSpec`, `SampleRow`, `StatusRow`, `read_statuses`), submissions as one
checked package, and their view in MLflow.
"""
