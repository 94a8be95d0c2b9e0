"""Where deposits are taken. Each destination has a folder with all that only it needs; settings.DESTINATIONS names it.

To add one: a module with a `loader.steps.Destination` called DESTINATION, and a line in the setting.
"""
