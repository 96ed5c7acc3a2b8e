NAMES = ["Emma", "Ulysses"]
