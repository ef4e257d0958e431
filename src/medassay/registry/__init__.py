"""Devices and what they hand in: who may do what, and what was looked at.

Hands out the device contract: `DeviceSpec`, `SampleRow`, `StatusRow`, and `read_statuses`.
"""
