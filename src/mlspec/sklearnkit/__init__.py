"""For models that are estimators of scikit-learn's kind: fitted here, saved without pickle, read back safely.

A plug-in fits with ``fit``, saves with ``save`` and reads back with ``load``. It states the types of which its saved
estimator may be made, so that a package decides nothing about what is built from it:

    TYPES = ("sklearn.naive_bayes.GaussianNB",)

    def fit(self, training, folder):
        from sklearn.naive_bayes import GaussianNB

        estimator = GaussianNB()
        warnings = sklearnkit.fit(estimator, training)
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        return {"warnings": warnings}

    def load(self, folder, device):
        return sklearnkit.load(folder, TYPES)

``save`` names the types that are missing from the list.
"""

from mlspec.sklearnkit.archives import load as load
from mlspec.sklearnkit.archives import load_own as load_own
from mlspec.sklearnkit.archives import save as save
from mlspec.sklearnkit.archives import save_own as save_own
from mlspec.sklearnkit.fitting import fit as fit
from mlspec.sklearnkit.fitting import plain as plain
