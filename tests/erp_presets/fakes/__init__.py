"""Small strict servers that answer as the public documentation of an ERP says.

The source of each rule stands beside it.
"""

from tests.erp_presets.fakes.business_central import BusinessCentral
from tests.erp_presets.fakes.erpnext import ErpNext
from tests.erp_presets.fakes.fortnox import Fortnox
from tests.erp_presets.fakes.odoo import Odoo, OdooRpc
from tests.erp_presets.fakes.sap_business_one import SapBusinessOne
from tests.erp_presets.fakes.visma_net import VismaNet

FAKES = (Odoo, OdooRpc, Fortnox, BusinessCentral, ErpNext, SapBusinessOne, VismaNet)
