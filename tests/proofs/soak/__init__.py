"""A long time of the program's life in a short one: overlapping runs, faults, kills and nodes that come and go."""
