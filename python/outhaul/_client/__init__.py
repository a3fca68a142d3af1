'''The client of a data folder's server: what `outhaul` and the `azureml` package stand on. Not public.

    from outhaul._client.client import Client          # blocking; AsyncClient is its awaited twin
    from outhaul._client.submission import Submission

    client = Client()                                   # data folder as the command finds it; or home="..."
    client.request("GET", "/runs", {"limit": 5})        # JSON; the server is started when none answers
    client.request("POST", "/environments", body={...}) # errors: the classes of `outhaul.errors`, by the API's code
    client.submit(Submission(script="train.py", environment=spec, target="gpu-box", tags={"a": 1}))
    client.follow(run_id, states=True)                  # LogPiece, StateChange, End; survives lost connections
    client.log(run_id, follow=True)                     # bytes
    client.events(run_id)                               # Entry, End
    client.read("/runs/ID/outputs/outputs/model.pkl")   # bytes of a file
    client.call(["target", "attach", "remote", ...], secret="the password")   # any command; JSON back

Requests other than POST are sent again when their answer was lost; a POST only with `repeat=True`, for routes where
twice is the same as once (`/runs/{run}/cancel`, `/credentials`, what carries an id of ours). A submission carries its
id, so it is always safe.

Rooms: `wire` (HTTP as bytes), `sse` (events as bytes), `query` (paths), `submission` (words of a run): pure.
`transport` (sockets, processes), `core` (requests, retries, the server on demand), `follow`, `program` (where the
binary is), `client` (the two faces).
'''
