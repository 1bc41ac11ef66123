"""`python -m flowers102.training` is `flowers102 train`."""
from flowers102.cli.commands import main

if __name__ == "__main__": main("flowers102_train")
