"""Simulated hardware to flash: the ESP32's ROM loader behind a serial line, the RP2 chips' boot
ROM behind a volume.
"""
