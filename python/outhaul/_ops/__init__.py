"""What can be done, once, as coroutines over the client's core: one file for each kind of thing.

`outhaul` runs them blocking, `outhaul.aio` awaits them; both only wrap what comes back.
"""
