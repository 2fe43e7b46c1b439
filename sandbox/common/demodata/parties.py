"""Employees, customers and their contacts of the ERP."""

from __future__ import annotations

from typing import Any

from sandbox.common.demodata.draw import WORDS, Draw, mailbox, stamps

Body = dict[str, Any]
EMPLOYEES = 32
CUSTOMERS = 64
CONTACTS = 156
COUNTRIES = ("NO", "NO", "NO", "DK", "SE", "DE", "GB", "US", "JP", "KW", "FR")
SHARED_ADDRESSES = {20: 21, 40: 41}
"""Contact numbers that share one e-mail address, such as post@company."""
MOONLIGHTERS = {5: 12, 9: 33, 14: 60}
"""Employees who are also contacts, by number: the same person with the same e-mail address."""


def employees(seed: int) -> list[Body]:
    """Return the company's own people; the first ones manage the others, some have left."""
    draw = Draw(seed, "employees")
    result: list[Body] = []
    for number in range(1, EMPLOYEES + 1):
        first, last = draw.word("first_names"), draw.word("last_names")
        status = "terminated" if number % 11 == 0 else "inactive" if number % 13 == 0 else "active"
        left = status == "terminated"
        result.append(
            {
                "id": f"EM-{number}",
                "employee_number": f"E-{1000 + number}",
                "first_name": first,
                "last_name": last,
                "email": draw.maybe(_email(first, last, f"{number}", "eget-erp.example"), 0.9),
                "phone": draw.maybe(draw.phone("NO"), 0.5),
                "mobile": draw.phone("NO"),
                "job_title": draw.maybe(draw.word("job_titles")),
                "department": draw.word("departments"),
                "manager_id": f"EM-{draw.random.randrange(1, 4)}" if number > 3 else None,
                "company_name": draw.one(["Eget ERP AS", "Eget ERP Danmark ApS"]),
                "hire_date": f"20{draw.random.randrange(10, 24)}-0{draw.random.randrange(1, 10)}-15",
                "termination_date": "2026-06-30" if left else None,
                "status": status,
                "active": not left,
                "language": draw.one(["nb-NO", "da", "en"]),
                "address": draw.maybe(draw.address("NO"), 0.6),
                **stamps(draw),
            }
        )
    return result


def customers(seed: int) -> list[Body]:
    """Companies of many countries; two unrelated ones have the same name."""
    draw = Draw(seed, "customers")
    names = _company_names(draw)
    result: list[Body] = []
    for number in range(1, CUSTOMERS + 1):
        country = COUNTRIES[number % len(COUNTRIES)]
        name = names[number - 2] if number == CUSTOMERS else names[number - 1]
        home = f"kunde{number}.example"
        result.append(
            {
                "id": f"CU-{number}",
                "customer_number": f"C-{1000 + number}",
                "name": name,
                "type": "person" if number % 17 == 0 else "company",
                "status": _status(number),
                "organization_number": draw.maybe(str(draw.random.randrange(900_000_000, 999_999_999)), 0.7),
                "vat_number": draw.maybe(f"{country} {draw.random.randrange(10**8, 10**9)} MVA", 0.5),
                "email": draw.maybe(f"Post@{home}".upper() if number % 5 == 0 else f"post@{home}"),
                "invoice_email": draw.maybe(f"faktura@{home}", 0.4),
                "phone": draw.maybe(draw.phone(country)),
                "website": draw.maybe(f"https://www.{home}/", 0.5),
                "billing_address": draw.maybe(draw.address(country), 0.9),
                "shipping_address": draw.maybe(draw.address(country), 0.4),
                "currency": WORDS["currencies"][country],
                "language": draw.maybe(WORDS["languages"][country]),
                "payment_terms_days": draw.one([0, 7, 14, 30, 30, 45, None]),
                "credit_limit": draw.maybe(draw.amount(WORDS["currencies"][country], 1000, 90000), 0.3),
                "tax_exempt": draw.chance(0.05),
                "account_manager_id": f"EM-{draw.random.randrange(1, 10)}",
                "parent_customer_id": f"CU-{number - 1}" if number % 16 == 0 else None,
                "notes": draw.maybe(draw.word("notes"), 0.3),
                **stamps(draw),
            }
        )
    return result


def contacts(seed: int, companies: list[Body], staff: list[Body]) -> list[Body]:
    """People at the customers; the first one of each customer gets its invoices."""
    draw = Draw(seed, "contacts")
    result: list[Body] = []
    for number in range(1, CONTACTS + 1):
        company = companies[(number - 1) % len(companies)]
        country = COUNTRIES[int(company["id"][3:]) % len(COUNTRIES)]
        first, last = draw.word("first_names"), draw.word("last_names")
        result.append(
            {
                "id": f"CT-{number}",
                "first_name": draw.maybe(first, 0.93),
                "last_name": last,
                "email": draw.maybe(
                    _email(first, last, f"{number}", f"kunde{company['id'][3:]}.example"), 0.92
                ),
                "phone": draw.maybe(draw.phone(country), 0.6),
                "mobile": draw.maybe(draw.phone(country), 0.5),
                "job_title": draw.maybe(draw.word("job_titles"), 0.6),
                "customer_id": company["id"],
                "is_primary": number <= len(companies),
                "is_billing_contact": number <= len(companies),
                "language": draw.maybe(WORDS["languages"][country], 0.7),
                "address": draw.maybe(draw.address(country), 0.6),
                "active": number % 29 != 0,
                "notes": draw.maybe(draw.word("notes"), 0.2),
                **stamps(draw),
            }
        )
    _share_addresses(result, staff)
    return result


def _share_addresses(people: list[Body], staff: list[Body]) -> None:
    for number, twin in SHARED_ADDRESSES.items():
        people[number - 1]["email"] = people[twin - 1]["email"] = f"info@felles{number}.example"
    for number, twin in MOONLIGHTERS.items():
        employee, contact = staff[number - 1], people[twin - 1]
        employee["email"] = employee["email"] or f"ansatt{number}@eget-erp.example"
        contact["email"] = employee["email"].upper()
        contact["first_name"], contact["last_name"] = employee["first_name"], employee["last_name"]


def _company_names(draw: Draw) -> list[str]:
    names = list(WORDS["companies"])
    countries = list(WORDS["suffixes"])
    while len(names) < CUSTOMERS:
        country = draw.one(countries)
        name = f"{draw.one(WORDS['places'][country])[0]} {draw.word('trades')} {WORDS['suffixes'][country]}"
        if name not in names:
            names.append(name)
    return names


def _status(number: int) -> str:
    if number > 26:
        return {0: "prospect", 1: "blocked", 2: "inactive"}.get(number % 13, "active")
    return "active"


def _email(first: str, last: str, number: str, domain: str) -> str:
    local = ".".join(part for part in (mailbox(first), mailbox(last)) if part) or "kontakt"
    address = f"{local}.{number}@{domain}"
    return address.upper() if int(number) % 7 == 0 else address
