"""Ridge regression on the diabetes data for twenty strengths of regularisation; keeps every model.

    outhaul run train.py --environment environment.yml

By hand, with scikit-learn installed: PYTHONPATH=../../python python3 train.py
"""

import os

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

from alphas import get_alphas
from outhaul.run import Run

run = Run.get_context()
os.makedirs("outputs", exist_ok=True)  # what is written here is kept with the run

x, y = load_diabetes(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0)
print(f"training on {len(x_train)} patients, testing on {len(x_test)}")

results = []
for step, alpha in enumerate(get_alphas()):
    model = Ridge(alpha=alpha).fit(x_train, y_train)
    mse = mean_squared_error(y_test, model.predict(x_test))
    run.log("alpha", alpha, step=step)
    run.log("mse", mse, step=step)
    joblib.dump(model, f"outputs/ridge_{alpha:.2f}.pkl")
    print(f"alpha {alpha:.2f}  mse {mse:.2f}")
    results.append((mse, alpha))

best_mse, best_alpha = min(results)
run.log("best_alpha", best_alpha)
run.log("best_mse", best_mse)
run.tag("best_alpha", f"{best_alpha:.2f}")
print(f"best: alpha {best_alpha:.2f}, mse {best_mse:.2f}")
