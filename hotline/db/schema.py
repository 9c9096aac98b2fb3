"""Every table in one place, for the migrations to compare with."""

from sqlalchemy import MetaData

from hotline.accounts import models as accounts
from hotline.calls import models as calls
from hotline.db.models import Model
from hotline.drafts import models as drafts
from hotline.orders import models as orders
from hotline.records import models as records

TABLES = (accounts, calls, drafts, orders, records)
"""Named so that importing this module is seen to have loaded them."""

metadata: MetaData = Model.metadata
