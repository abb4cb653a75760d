"""What this machine has and can do: `canarylab doctor` lists it all, kind needs some of it."""
