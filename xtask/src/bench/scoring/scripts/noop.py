def init():
    pass


def answer(rows):
    return "ok"


def run(data):
    return "ok"
