"""The routes: one controller for each resource, without logic of their own."""

from app.controllers.bets import BetController
from app.controllers.events import EventController
from app.controllers.feed import FeedController
from app.controllers.operations import OperationsController
from app.controllers.payments import PaymentController
from app.controllers.problems import ProblemController
from app.controllers.schemas import SchemaController
from app.controllers.tenant_registry import TenantRegistryController
from app.controllers.tenants import TenantController
from app.controllers.users import UserController

CONTROLLERS = (
    BetController,
    PaymentController,
    UserController,
    EventController,
    FeedController,
    TenantController,
    TenantRegistryController,
    OperationsController,
    ProblemController,
    SchemaController,
)
