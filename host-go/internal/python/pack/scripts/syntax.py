# fails: it is no Python
def f(:
    pass
