"""Settings of the test tools that hold for every test."""

from hypothesis import HealthCheck, settings

# shared machines stall now and then: a slow example is no finding
settings.register_profile("darkroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("darkroom")
