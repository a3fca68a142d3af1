import sys

import litserve
import score


class Service(litserve.LitAPI):
    def setup(self, device):
        score.init()

    def decode_request(self, request):
        return request["data"]

    def predict(self, rows):
        return score.answer(rows)

    def encode_response(self, answer):
        return answer


if __name__ == "__main__":
    server = litserve.LitServer(Service(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="warning")
