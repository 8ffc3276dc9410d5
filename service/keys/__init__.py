"""Keys of the API: making and ending them, which are known, and how often an address may fail to show one."""
