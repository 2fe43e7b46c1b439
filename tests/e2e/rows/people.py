"""Contact ↔ Customer and Employee ↔ Customer, property by property."""

from __future__ import annotations

from tests.e2e.conftest import World
from tests.e2e.rows.steps import BACK, BORN, MOVED, STREET, Found, Record, Step, Story, billing


def _erp(n: int, kind: str, address: Record) -> Record:
    return {
        "first_name": f"Øystein {n}", "last_name": f"O'Neil {n}", "email": f"row{n}@{kind}.example", "phone": f"+47 2222222{n}",
        "language": ["nb", "en", "da", "sv"][n], "address": address,
    }  # fmt: skip


def _chargebee(person: Record) -> Record:
    renamed = {"language": "locale", "address": "billing_address"}
    found = {renamed.get(name, name): value for name, value in person.items()}
    return {**found, "billing_address": billing(person["address"])}


class _People:
    """One person and what both systems say about it."""

    def __init__(self, world: World, kind: str) -> None:
        self.world, self.kind = world, kind
        self.key = self.customer = ""

    def found(self, company: Record | None = None) -> Found:
        yield
        person = self.world.erp.get(f"{self.kind}s", self.key)
        customer = self.world.chargebee.get("customers", self.customer)
        if company:
            person = {**person, "customer": company}
        return person, customer


def employee(world: World) -> Story:
    """An employee is always the ERP's own: made there, edited on both sides."""
    entity = world.chargebee.business_entity("Rows Employer")
    made = {**_erp(0, "employee", STREET), "company_name": "Rows AS", "business_entity_id": entity["id"]}
    steps = yield from _person(world, "employee", made, None, entity)
    return steps + (yield from _left(world))


def _left(world: World) -> Story:
    people = _People(world, "employee")
    people.key = next(e["id"] for e in world.erp.all("employees") if e["email"].endswith("@employee.example"))
    people.customer = f"employee-{people.key}"
    steps = []
    for desired in ({"status": "terminated"}, {"status": "active"}, {"active": False}):
        world.erp.patch("employees", people.key, **desired)
        expected = {"meta_data": {"customerp": {"active": desired == {"status": "active"}}}}
        steps.append(Step("erp", False, desired, expected, (yield from people.found())))
    return steps


def contact(world: World) -> Story:
    """A contact of a company that has its business entity; then one born in Chargebee."""
    entity = world.chargebee.business_entity("Rows Holding")
    company = world.erp.create(
        "customers", name="Rows Holding", currency="NOK", payment_terms_days=30, vat_number="NO1"
    )
    yield
    made = {**_erp(0, "contact", STREET), "customer_id": company["id"], "active": True}
    steps = yield from _person(world, "contact", made, company, entity)
    return steps + (yield from _born(world, entity, company))


def _person(world: World, kind: str, made: Record, company: Record | None, entity: Record) -> Story:
    people = _People(world, kind)
    people.key = world.erp.create(f"{kind}s", **made)["id"]
    people.customer = f"{kind}-{people.key}"
    link = {"customerp": {f"{kind}_id": people.key, "active": True}}
    owed = {"company": "Rows AS", "business_entity_id": entity["id"]}
    given: Record = {"id": people.key, "active": True, "external_refs": {"chargebee": people.customer}}
    if company:
        owed |= {
            "company": "Rows Holding",
            "vat_number": "NO1",
            "preferred_currency_code": "NOK",
            "net_term_days": 30,
        }
        given |= {"customer": company, "customer_id": company["id"]}
    expected = {**_chargebee(_erp(0, kind, STREET)), **owed, "meta_data": link, "id": people.customer}
    refreshed = world.erp.get("customers", company["id"]) if company else None
    steps = [Step("erp", True, {**made, **given}, expected, (yield from people.found(refreshed)))]

    edit = {**_erp(1, kind, MOVED)} | ({"active": False} if company else {"company_name": "Moved AS"})
    world.erp.patch(f"{kind}s", people.key, **edit)
    then: Record = {"meta_data": {"customerp": {"active": False}}} if company else {"company": "Moved AS"}
    if company:
        change = {"name": "Rows Holding 2", "currency": "EUR", "payment_terms_days": 14, "vat_number": "NO2"}
        refreshed = world.erp.patch("customers", company["id"], **change)
        edit["customer"] = change
        then |= {
            "company": "Rows Holding 2",
            "vat_number": "NO2",
            "preferred_currency_code": "EUR",
            "net_term_days": 14,
        }
    steps.append(
        Step(
            "erp",
            False,
            edit,
            {**_chargebee(_erp(1, kind, MOVED)), **then},
            (yield from people.found(refreshed)),
        )
    )

    back = _chargebee(_erp(2, kind, BACK))
    plain = {name: value for name, value in back.items() if name != "billing_address"}
    world.chargebee.post(f"customers/{people.customer}", **plain)
    world.chargebee.bill(people.customer, billing_address=back["billing_address"])
    steps.append(Step("chargebee", False, _erp(2, kind, BACK), back, (yield from people.found(refreshed))))

    mobile = {"phone": None, "mobile": "+47 99999999"}
    world.erp.patch(f"{kind}s", people.key, **mobile)
    steps.append(
        Step(
            "erp",
            False,
            {"mobile": mobile["mobile"]},
            {"phone": mobile["mobile"]},
            (yield from people.found(refreshed)),
        )
    )
    return steps


def _born(world: World, entity: Record, company: Record) -> Story:
    people = _People(world, "contact")
    steps = []
    for n, fields in enumerate(
        [
            _chargebee(_erp(3, "contact", BORN)),
            {"email": "nameless@contact.example", "company": "Nameless AS"},
        ]
    ):
        people.customer = f"rows-born-{n}"
        linked: Record = {} if n else {"business_entity_id": entity["id"]}
        world.chargebee.post("customers", id=people.customer, **linked, **fields)
        yield
        people.key = next(
            c["id"]
            for c in world.erp.all("contacts")
            if c["external_refs"].get("chargebee") == people.customer
        )
        person, customer = yield from people.found()
        asked: Record = (
            {"last_name": "Nameless AS"} if n else {**_erp(3, "contact", BORN), "customer_id": company["id"]}
        )
        asked["external_refs"] = {"chargebee": people.customer}
        done = {**fields, **linked, "id": people.customer}
        steps.append(Step("chargebee", True, asked, done, (person, customer)))
    return steps
