"""Programs that stand for well-known images at level `host`. Each runs alone (`python -I -S FILE`) and imports nothing of kk."""
