"""The backend: a thread that needs a connection waits until another one of the process gives its own back."""

import os
import threading

from django.db.backends.postgresql import base

SLOTS = threading.BoundedSemaphore(int(os.environ.get("DATABASE_SLOTS", "5")))


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        SLOTS.acquire()
        try:
            return super().get_new_connection(conn_params)
        except BaseException:
            SLOTS.release()
            raise

    def _close(self):
        held = self.connection is not None
        try:
            super()._close()
        finally:
            if held:
                SLOTS.release()
