"""Exceptions: `.message`, `str()`, who derives from whom."""

import unittest

from azureml import exceptions
from azureml._common.exceptions import AzureMLException

from v1.support import Case


class Exceptions(Case):
    def test_message_is_bare_and_text_is_a_block(self):
        error = exceptions.ComputeTargetException("boom")
        self.assertEqual((error.message, error.args, error.inner_exception), ("boom", ("boom",), None))
        block = (
            'ComputeTargetException:\n\tMessage: boom\n\tInnerException None\n\tErrorResponse \n{\n    "error": {\n'
            '        "message": "boom"\n    }\n}'
        )
        self.assertEqual((str(error), repr(error)), (block, block))

    def test_an_inner_exception_is_kept(self):
        inner = ValueError("why")
        error = exceptions.UserErrorException("boom", inner_exception=inner)
        self.assertIs(error.inner_exception, inner)
        self.assertIn("InnerException why", str(error))
        with self.printed() as out:
            error.print_stacktrace()
        self.assertIn("boom", out.getvalue())

    def test_what_catches_what(self):
        self.assertFalse(issubclass(exceptions.UserErrorException, exceptions.ComputeTargetException))
        self.assertFalse(issubclass(exceptions.ServiceException, AzureMLException))
        self.assertTrue(issubclass(exceptions.AuthenticationException, exceptions.UserErrorException))

    def test_words_of_their_own(self):
        self.assertEqual(exceptions.ActivityFailedException("{}").message, "Activity Failed:\n{}")
        self.assertTrue(exceptions.WorkspaceException("x", found_multiple=True).found_multiple)
        self.assertEqual(exceptions.WebserviceException("x", status_code=404).status_code, 404)
        both = exceptions.AzureMLAggregatedException([exceptions.UserErrorException("a"), ValueError("b")])
        self.assertEqual(both.message, "a\nb")


if __name__ == "__main__":
    unittest.main()
