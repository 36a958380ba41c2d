"""Simulated hardware to flash: the ESP32's ROM loader at a serial port, the RP2's boot ROM as a
volume.
"""
