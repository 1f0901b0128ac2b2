"""``python -m codedpo_plugin`` is ``codedpo``."""

from codedpo_plugin.cli import main

if __name__ == "__main__":
    main()
