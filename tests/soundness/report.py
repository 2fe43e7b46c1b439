"""The closing report of a soak."""

from __future__ import annotations

from tests.soundness.soak import Figures, Plan


def summary(plan: Plan, figures: Figures) -> str:
    """All figures as text; what was wrong comes last."""
    kinds = {
        "lost records": "lost record",
        "twins": "twin",
        "lost updates": "lost update",
        "lost deletions": "lost deletion",
    }
    counts = {title: sum(word in each for each in figures.violations) for title, word in kinds.items()}
    per_edit = figures.sync_writes / max(1, figures.outside_writes)
    lines = [
        "",
        f"seed {plan.seed}: {figures.acts} acts in {figures.windows} windows, {figures.kills} kills, {figures.losses} losses, "
        f"{figures.syncs} syncs ({figures.failed_syncs} ended by faults), {figures.seconds:.0f} s",
        f"outside writes {figures.outside_writes}, writes by the sync {figures.sync_writes} "
        f"({per_edit:.2f} for each), after settling {figures.writes_after_settling}, "
        f"after restart and loss of the node {figures.writes_after_restart}",
        f"undisturbed: {figures.made} writes where {figures.needed} were needed, echo writes {figures.echoes}; "
        f"{figures.losers} overruled values looked up in the audit trail",
        ", ".join(f"{title} {count}" for title, count in counts.items())
        + f", violations {len(figures.violations)}",
        "done: " + ", ".join(f"{name} {count}" for name, count in sorted(figures.did.items())),
        "rejected: "
        + (", ".join(f"{name} {count}" for name, count in sorted(figures.refused.items())) or "none"),
    ]
    return "\n".join(lines + [f"VIOLATION {each}" for each in figures.violations])
