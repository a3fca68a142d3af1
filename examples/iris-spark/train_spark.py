"""Logistic regression on the iris data with Spark's MLlib; keeps the model as a folder.

    outhaul run --target myhdi --framework pyspark --environment environment.yml train_spark.py
"""

import os
import sys

from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.sql import SparkSession

from outhaul.run import Run

regularisation = float(sys.argv[1]) if len(sys.argv) > 1 else 0.01
run = Run.get_context()
spark = SparkSession.builder.getOrCreate()

# The file lies beside this script. On a cluster with a file system of its own, a path without `file://` would be looked
# for there.
here = "file://" + os.getcwd()
iris = spark.read.csv(here + "/iris.csv", header=True, inferSchema=True)
train, test = iris.randomSplit([0.7, 0.3], seed=7)
print(f"training on {train.count()} flowers, testing on {test.count()}")

features = [name for name in iris.columns if name != "species"]
model = Pipeline(
    stages=[
        StringIndexer(inputCol="species", outputCol="label"),
        VectorAssembler(inputCols=features, outputCol="features"),
        LogisticRegression(maxIter=50, regParam=regularisation),
    ]
).fit(train)

accuracy = MulticlassClassificationEvaluator(metricName="accuracy").evaluate(model.transform(test))
run.log("regularisation", regularisation)
run.log("accuracy", accuracy)
print(f"accuracy {accuracy:.3f}")

# A folder of many files, kept with the run as it is.
model.write().overwrite().save(here + "/outputs/iris-model")
spark.stop()
