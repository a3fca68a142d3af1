import bentoml
import score


@bentoml.service(workers=1)
class Service:
    def __init__(self):
        score.init()

    @bentoml.api
    def score(self, data: list):
        return score.answer(data)
