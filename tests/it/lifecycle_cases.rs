//! A migration as the tests of the lifecycle know it: what stands now, evidence on it, a place to keep both.

use std::path::Path;

use alembic_gate::digest::Digest;
use alembic_gate::effects::Loss;
use alembic_gate::lifecycle::approval::{Approval, Policy, Tier, Way};
use alembic_gate::lifecycle::evidence::{Judged, Now, Outcome, Rerun, Review, RoundTrip, RowsTried, SchemaSeen, Subject, Trip};
use alembic_gate::lifecycle::gate::{Gate, Question, Target, Verdict, ask_all};
use alembic_gate::lifecycle::identity::MigrationId;
use alembic_gate::lifecycle::ledger::{Event, Version};
use alembic_gate::lifecycle::proven::Proven;
use alembic_gate::store::home::Home;
use alembic_gate::store::records::Records;
use alembic_gate::store::{Happening, Kept, Saved, Wishes};

pub const AT: &str = "2026-11-24T12:00:00Z";

pub fn digest(text: &str) -> Digest {
    Digest::of("test", &[text.as_bytes()])
}

pub fn id() -> MigrationId {
    MigrationId::of_revision("add_user_email_index", "shop", "1f2e3d4c5b6a")
}

/// A harmless migration of one revision.
pub fn now() -> Now {
    Now {
        subject: Subject {
            revision_files: digest("file"),
            upgrade_sql: digest("up"),
            downgrade_sql: digest("down"),
            chain: digest("chain"),
            server: digest("postgresql 16"),
        },
        revisions: vec!["1f2e3d4c5b6a".to_owned()],
        rules: digest("rules"),
        judged: Judged {
            errors: Vec::new(),
            findings: digest("findings"),
            loss: Loss::None,
            lost: Vec::new(),
            mixed: Vec::new(),
            zero_downtime_required: false,
        },
        engine: digest("engine"),
        production_engine: digest("production engine"),
        parity: digest("production is postgresql 16"),
        heads: vec!["1f2e3d4c5b6a".to_owned()],
        heads_wanted: 1,
    }
}

/// One that drops a column.
pub fn losing() -> Now {
    let mut now = now();
    now.judged.loss = Loss::High;
    now.judged.lost = vec!["column `users.note` with its values".to_owned()];
    now
}

pub fn review(now: &Now) -> Review {
    Review { subject: now.subject.clone(), rules: now.rules, judged: now.judged.clone() }
}

pub fn trip(now: &Now, outcome: Outcome) -> RoundTrip {
    let seen = |revision: &str, text: &str| SchemaSeen {
        revision: revision.to_owned(),
        counts: "12 tables, 31 indexes".to_owned(),
        digest: digest(text),
    };
    RoundTrip {
        subject: now.subject.clone(),
        engine: now.engine,
        parity: now.parity,
        parity_ok: true,
        parity_why: "PostgreSQL 16 is PostgreSQL 16".to_owned(),
        trips: now
            .revisions
            .iter()
            .map(|revision| Trip { revision: revision.clone(), outcome, loss_is_the_upgrades: outcome.is_door() })
            .collect(),
        rows: RowsTried { made_up: 100, ..RowsTried::default() },
        rerun: Rerun::NoOp,
        before: seen("0a1b2c3d4e5f", "before"),
        after_upgrade: seen("1f2e3d4c5b6a", "after"),
        changes: vec!["+ index ix_users_email".to_owned()],
        after_downgrade: seen("0a1b2c3d4e5f", "before"),
        date: "2026-11-24".to_owned(),
        notes: Vec::new(),
    }
}

pub fn target(tier: Tier) -> Target {
    Target {
        environment: "production".to_owned(),
        definition: digest("production, by PROD_URL"),
        tier,
        is_known: true,
        current_revision: Some("0a1b2c3d4e5f".to_owned()),
        range_begins: "0a1b2c3d4e5f".to_owned(),
        range_ends: "1f2e3d4c5b6a".to_owned(),
        is_dirty: Some(false),
        policy: Policy::FLOOR,
    }
}

pub fn approval(now: &Now, target: &Target, backup: Option<&str>) -> Approval {
    Approval {
        environment: target.environment.clone(),
        environment_digest: target.definition,
        digest: now.approval_digest(),
        loss: now.judged.loss,
        lost: now.judged.lost.clone(),
        backup: backup.map(str::to_owned),
        approver: "ada".to_owned(),
        way: Way::Terminal,
    }
}

pub fn kept() -> Kept {
    Kept {
        migration_name: "add_user_email_index".to_owned(),
        target_revision: "head".to_owned(),
        revisions: Vec::new(),
        wishes: Wishes::default(),
    }
}

/// A project's folder, and a folder for keys beside it.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub store: Records,
    pub home: Home,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("shop");
        std::fs::create_dir(&project).unwrap();
        let home = Home::at(&folder.path().join("state"), &project).unwrap();
        Self { store: Records::of(&project), home, folder }
    }

    pub fn project(&self) -> &Path {
        self.store.project()
    }

    pub fn record(&self) -> std::path::PathBuf {
        self.project().join(".alembic-gate").join(id().as_str())
    }

    pub fn ledger(&self) -> std::path::PathBuf {
        self.record().join("ledger.jsonl")
    }

    /// Another machine's keys on the same project.
    pub fn elsewhere(&self, name: &str) -> Home {
        Home::at(&self.folder.path().join(name), self.project()).unwrap()
    }

    pub fn save(&self, happened: &[Happening]) -> Version {
        self.save_as(&self.home, happened)
    }

    pub fn save_as(&self, home: &Home, happened: &[Happening]) -> Version {
        let opened = home.open(&id());
        let version = self.store.load(&id(), &opened.keys).version;
        match self.store.save(&id(), version, happened, &kept(), Some(home), AT) {
            Saved::Kept { version, .. } => version,
            other => panic!("{other:?}"),
        }
    }

    pub fn review(&self, now: &Now) {
        self.save(&[Happening::Reviewed(Box::new(review(now)))]);
    }

    pub fn test(&self, now: &Now, outcome: Outcome) {
        self.save(&[Happening::Tested(Box::new(trip(now, outcome)))]);
    }

    pub fn approve(&self, approval: Approval) {
        self.save(&[Happening::Event(Event::Approved { approval: Box::new(approval) })]);
    }

    pub fn proven(&self) -> Proven {
        self.proven_to(&self.home)
    }

    pub fn proven_to(&self, home: &Home) -> Proven {
        self.store.proven(&id(), &home.open(&id())).0
    }

    pub fn verdicts(&self, now: &Now, target: &Target) -> Vec<(Gate, Verdict)> {
        ask_all(&Question { proven: &self.proven(), now, target })
    }

    /// The names of the closed gates.
    pub fn closed(&self, now: &Now, target: &Target) -> Vec<&'static str> {
        self.verdicts(now, target).into_iter().filter(|(_, verdict)| !verdict.is_open()).map(|(gate, _)| gate.name()).collect()
    }

    /// The contract's codes of all closed gates.
    pub fn reasons(&self, now: &Now, target: &Target) -> Vec<&'static str> {
        let mut codes = Vec::new();
        for (_, verdict) in self.verdicts(now, target) {
            if let Verdict::Closed { reasons, missing, .. } = verdict {
                assert!(!reasons.is_empty() && !missing.is_empty(), "a closed gate says why");
                codes.extend(reasons.iter().map(|reason| reason.word()));
            }
        }
        codes
    }
}
