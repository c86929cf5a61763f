"""`python -m trainer`, where the command is not on the path."""

from trainer.cli.main import main

if __name__ == "__main__":
    main()
