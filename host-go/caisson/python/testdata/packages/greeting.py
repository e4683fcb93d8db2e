def of(name):
    return f"Good morning, {name}"
