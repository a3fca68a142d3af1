import pickle
import warnings

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

warnings.simplefilter("ignore")
model = LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))
with open("model/model.pkl", "wb") as file:
    pickle.dump(model, file)
