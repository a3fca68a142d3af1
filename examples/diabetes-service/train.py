"""Ridge regression on all of the diabetes data: the model that `score.py` serves.

    outhaul run train.py --environment environment.yml
"""

import os
import pickle

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from outhaul.run import Run

run = Run.get_context()
os.makedirs("outputs", exist_ok=True)  # what is written here is kept with the run

x, y = load_diabetes(return_X_y=True)
model = Ridge(alpha=1.0).fit(x, y)
run.log("r2", model.score(x, y))
with open("outputs/ridge.pkl", "wb") as file:
    pickle.dump(model, file)
