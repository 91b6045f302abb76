if __name__ == "__main__":
    raise AssertionError("not reached")
