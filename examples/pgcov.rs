use std::collections::BTreeMap;
fn walk(p: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    for e in std::fs::read_dir(p).unwrap() {
        let e = e.unwrap().path();
        if e.is_dir() { walk(&e, out) } else { out.push(e) }
    }
}
fn main() {
    let mut a = std::env::args().skip(1);
    let d: alembic_gate::dialect::Dialect = serde_json::from_value(a.next().unwrap().into()).unwrap();
    for dir in a {
        let mut files = Vec::new();
        walk(std::path::Path::new(&dir), &mut files);
        let (mut n, mut ok) = (0, 0);
        let mut why: BTreeMap<String, (u32, String)> = BTreeMap::new();
        for f in &files {
            let Ok(t) = std::fs::read_to_string(f) else { continue };
            if std::env::var("SAY").is_ok() {
                eprintln!("{}", f.display());
            }
            let s = alembic_gate::sql::script::read(t, alembic_gate::dialect::Server::newest(d));
            for st in &s.statements {
                n += 1;
                if st.reading.is_understood() {
                    ok += 1
                } else {
                    let text: String = s.text_of(st).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
                    let w: String = st.reading.not_understood.clone().unwrap_or_default().chars().take(90).collect();
                    let e = why.entry(format!("{} {}", st.reading.kind.word(), w)).or_insert((0, format!("{} :: {}", f.display(), text)));
                    e.0 += 1;
                }
            }
        }
        println!("{dir}: {ok}/{n} = {:.3} %  ({} files)", 100.0 * ok as f64 / n.max(1) as f64, files.len());
        let mut v: Vec<_> = why.into_iter().collect();
        v.sort_by_key(|x| std::cmp::Reverse(x.1.0));
        for (k, (c, e)) in v.into_iter().take(std::env::var("TOP").ok().and_then(|x| x.parse().ok()).unwrap_or(12)) {
            println!("   {c} {k}\n        {e}");
        }
    }
}
