//! Records on disk: read back, read when broken, written by several at once.

use std::process::{Command, Stdio};

use alembic_gate::lifecycle::evidence::Outcome;
use alembic_gate::lifecycle::gate::{rollback_tested, sql_reviewed};
use alembic_gate::lifecycle::identity::MigrationId;
use alembic_gate::lifecycle::ledger::Event;
use alembic_gate::store::clock::written;
use alembic_gate::store::home::Home;
use alembic_gate::store::records::Records;
use alembic_gate::store::{Happening, Saved, StoreError};

use crate::lifecycle_cases::{AT, Place, approval, id, kept, losing, now, target, trip};
use alembic_gate::lifecycle::approval::Tier;

#[test]
fn a_record_is_read_back_as_it_was_saved() {
    let (place, now) = (Place::new(), now());
    assert_eq!(place.store.list().migrations, []);
    place.save(&[Happening::Event(Event::Planned {
        intent: "index users by email".to_owned(),
        loss: Default::default(),
        zero_downtime: true,
        steps: Vec::new(),
    })]);
    place.review(&now);
    place.test(&now, Outcome::Ok);
    assert_eq!(place.store.list().migrations, [id()]);
    let again = Records::found_from(place.project());
    let (proven, version) = again.proven(&id(), &place.home.open(&id()));
    assert_eq!((proven.entries().len(), version.lines), (3, 3));
    assert_eq!(proven.faults(), []);
    assert!(sql_reviewed(&proven, &now) && rollback_tested(&proven, &now));
    assert_eq!(again.load(&id(), &Default::default()).kept, Some(kept()));
    let deep = place.project().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    assert_eq!(Records::found_from(&deep).project(), place.project());
}

/// S-106b, from disk: another process, another machine with the team's key, another machine without.
#[test]
fn s_106b_what_a_record_proves_depends_on_who_may_have_written_it() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let other = place.elsewhere("other");
    let there = place.proven_to(&other);
    assert!(sql_reviewed(&there, &now), "a review is repeated anywhere");
    assert!(!rollback_tested(&there, &now), "a test is another machine's claim");
    std::fs::create_dir_all(place.folder.path().join("other/keys")).unwrap();
    std::fs::copy(place.folder.path().join("state/key"), place.folder.path().join("other/keys/team")).unwrap();
    assert!(rollback_tested(&place.proven_to(&other), &now), "unless the team shares the key");
    // A colleague's test does not take ours away; a colleague's failure does.
    let stranger = place.elsewhere("stranger");
    place.save_as(&stranger, &[Happening::Tested(Box::new(trip(&now, Outcome::Ok)))]);
    assert!(rollback_tested(&place.proven(), &now));
    place.save_as(&stranger, &[Happening::Tested(Box::new(trip(&now, Outcome::DataLost)))]);
    assert!(!rollback_tested(&place.proven(), &now));
}

#[test]
fn no_secret_and_no_path_of_this_machine_is_kept() {
    let (place, now) = (Place::new(), losing());
    let project = place.project().display().to_string();
    let mut tried = trip(&now, Outcome::DowngradeFails);
    tried.notes = vec![format!("{project}/alembic/versions/1f2e.py: could not connect to postgresql://app:hunter22@db/shop")];
    place.save(&[Happening::Tested(Box::new(tried))]);
    let mut said = approval(&now, &target(Tier::Staging), Some("dump, password='s3cretword'"));
    said.approver = "ada".to_owned();
    place.approve(said);
    let mut files = vec![place.record()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter22") && !text.contains("s3cretword") && !text.contains(&project), "{}: {text}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 3, "a ledger, a state, one piece of evidence");
    assert_eq!(place.proven().trips().len(), 1, "what was cleaned is found again");
}

#[test]
fn a_broken_ledger_is_put_aside_and_a_new_one_begins() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let text = std::fs::read_to_string(place.ledger()).unwrap();
    std::fs::write(place.ledger(), &text[..text.len() - 20]).unwrap();
    let opened = place.home.open(&id());
    let loaded = place.store.load(&id(), &opened.keys);
    let fault = loaded.record.ledger.fault.clone().expect("it is said");
    assert_eq!((fault.line, fault.what.as_str()), (Some(2), "the line is cut off"));
    let Saved::Kept { notes, .. } = place.store.save(
        &id(),
        loaded.version,
        &[Happening::Reviewed(Box::new(crate::lifecycle_cases::review(&now)))],
        &kept(),
        Some(&place.home),
        AT,
    ) else {
        panic!("kept")
    };
    assert!(notes[0].contains("ledger.jsonl:2: the line is cut off") && notes[0].contains("ledger.aside-1.jsonl"), "{notes:?}");
    let proven = place.proven();
    assert_eq!(proven.faults(), []);
    assert!(sql_reviewed(&proven, &now) && !rollback_tested(&proven, &now));
    assert_eq!(std::fs::read_to_string(place.record().join("ledger.aside-1.jsonl")).unwrap(), text[..text.len() - 20]);
}

#[test]
fn what_is_no_file_of_ours_is_said_and_waited_for_by_nobody() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    std::fs::create_dir(place.project().join(".alembic-gate/notes")).unwrap();
    std::fs::write(place.project().join(".alembic-gate/README"), "x").unwrap();
    let listing = place.store.list();
    assert_eq!((listing.migrations.len(), listing.faults.len()), (1, 1));
    std::fs::remove_file(place.ledger()).unwrap();
    std::fs::create_dir(place.ledger()).unwrap();
    assert_eq!(place.proven().faults()[0].what, "this is no file");
    std::fs::remove_dir(place.ledger()).unwrap();
    #[cfg(unix)]
    {
        let pipe = Command::new("mkfifo").arg(place.ledger()).status().unwrap();
        assert!(pipe.success());
        assert_eq!(place.proven().faults()[0].what, "this is no file", "nobody waits for a writer");
        std::fs::remove_file(place.ledger()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", place.ledger()).unwrap();
        assert_eq!(place.proven().faults()[0].what, "this is no file");
        std::fs::remove_file(place.ledger()).unwrap();
    }
    let large = std::fs::File::create(place.ledger()).unwrap();
    large.set_len(1 << 40).unwrap();
    assert_eq!(place.proven().faults()[0].what, "the file is larger than 8 MiB");
    std::fs::write(place.ledger(), [0xff, 0xfe]).unwrap();
    assert_eq!(place.proven().faults()[0].what, "the file is not UTF-8");
}

#[test]
fn where_nothing_can_be_written_the_caller_is_told() {
    let place = Place::new();
    std::fs::write(place.project().join(".alembic-gate"), "a file where a folder should be").unwrap();
    let saved = place.store.save(&id(), Default::default(), &[], &kept(), Some(&place.home), AT);
    let Saved::NotKept(error) = saved else { panic!("{saved:?}") };
    assert!(matches!(error, StoreError::Unwritable { .. }) && error.hint().contains("writable"), "{error}");
}

#[test]
fn without_a_key_it_is_kept_and_said_that_it_does_not_count() {
    let (place, now) = (Place::new(), now());
    let saved = place.store.save(&id(), Default::default(), &[Happening::Tested(Box::new(trip(&now, Outcome::Ok)))], &kept(), None, AT);
    let Saved::Kept { notes, .. } = saved else { panic!("{saved:?}") };
    assert!(notes[0].contains("will not count"), "{notes:?}");
    assert!(!rollback_tested(&place.proven(), &now));
}

/// Run by the next test as processes of their own; alone it does nothing.
#[test]
fn one_of_several_writers() {
    let Ok(folder) = std::env::var("LIFECYCLE_WRITER") else { return };
    let project = std::path::Path::new(&folder).join("shop");
    let store = Records::of(&project);
    let home = Home::at(&std::path::Path::new(&folder).join("state"), &project).unwrap();
    let mut conflicts = 0;
    for number in 0..8 {
        let event = Happening::Event(Event::Answered { check: format!("{}", std::process::id()), answer: format!("{number}") });
        loop {
            let version = store.load(&id(), &home.open(&id()).keys).version;
            match store.save(&id(), version, std::slice::from_ref(&event), &kept(), Some(&home), AT) {
                Saved::Kept { .. } => break,
                Saved::Conflict { .. } => conflicts += 1,
                Saved::NotKept(error) => panic!("{error}"),
            }
        }
    }
    println!("{conflicts} conflicts");
}

/// The first key is made by whoever is first, and every line of every process is there once.
#[test]
fn several_processes_write_one_ledger() {
    let place = Place::new();
    let writers: Vec<_> = (0..3)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "lifecycle_store::one_of_several_writers", "--nocapture"])
                .env("LIFECYCLE_WRITER", place.folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let proven = place.proven();
    assert_eq!(proven.faults(), []);
    assert_eq!(proven.sealed().count(), 24, "all sealed with one key");
    let mut seen: Vec<String> = proven.entries().iter().map(|(entry, _)| format!("{:?}", entry.event)).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 24);
    let left: Vec<_> = std::fs::read_dir(place.record()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing half written is left: {left:?}");
}

#[test]
fn a_folder_that_is_held_is_not_waited_for_without_end() {
    let place = Place::new();
    place.review(&now());
    let held = std::fs::File::open(place.record()).unwrap();
    held.lock().unwrap();
    let version = place.store.load(&id(), &place.home.open(&id()).keys).version;
    let saved = place.store.save(&id(), version, &[], &kept(), Some(&place.home), AT);
    assert!(matches!(saved, Saved::NotKept(StoreError::Busy { .. })), "{saved:?}");
}

#[test]
fn the_time_is_written_as_people_read_it() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_795_521_600, "2026-11-24T12:00:00Z"),
        (4_102_444_799, "2099-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] {
        assert_eq!(written(seconds), text);
    }
    assert!(MigrationId::of_name("x").as_str().ends_with(&MigrationId::of_name("x").as_str()[2..]));
}
