//! A change of one file as text for `git apply`.

/// The changed stretches with three lines around each; none where nothing changed.
///
/// `new` has, for each old line in order, what stands in its place now.
pub(super) fn unified(file: &str, old: &[&str], new: &[Vec<String>]) -> Option<String> {
    const AROUND: usize = 3;
    let is_changed =
        |at: usize| new.get(at).is_some_and(|lines| lines.len() != 1 || lines.first().map(String::as_str) != old.get(at).copied());
    let changed: Vec<usize> = (0..old.len()).filter(|at| is_changed(*at)).collect();
    let mut stretches: Vec<(usize, usize)> = Vec::new();
    for at in changed {
        let (from, to) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(old.len()));
        match stretches.last_mut() {
            Some((_, end)) if from <= *end => *end = to,
            _ => stretches.push((from, to)),
        }
    }
    if stretches.is_empty() {
        return None;
    }
    let mut text = format!("--- a/{file}\n+++ b/{file}\n");
    let mut shift = 0_i64;
    for (from, to) in stretches {
        let (mut body, mut count) = (String::new(), 0_usize);
        for at in from..to {
            let (Some(line), Some(lines)) = (old.get(at), new.get(at)) else { continue };
            count += lines.len();
            if is_changed(at) {
                body.push_str(&format!("-{line}\n"));
                lines.iter().for_each(|line| body.push_str(&format!("+{line}\n")));
            } else {
                body.push_str(&format!(" {line}\n"));
            }
        }
        let begins = i64::try_from(from).unwrap_or(0) + 1;
        text.push_str(&format!("@@ -{begins},{} +{},{count} @@\n{body}", to - from, begins + shift));
        shift += i64::try_from(count).unwrap_or(0) - i64::try_from(to - from).unwrap_or(0);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn changed_lines_stand_between_three_of_their_neighbours() {
        let old: Vec<&str> = "a\nb\nc\nd\ne\nf\ng\nh\ni".lines().collect();
        let mut new: Vec<Vec<String>> = old.iter().map(|line| vec![(*line).to_owned()]).collect();
        new.iter_mut().skip(4).take(1).for_each(|lines| *lines = vec!["if x:".to_owned(), "    e".to_owned()]);
        let text = unified("v/r.py", &old, &new).unwrap_or_default();
        assert_eq!(text, "--- a/v/r.py\n+++ b/v/r.py\n@@ -2,7 +2,8 @@\n b\n c\n d\n-e\n+if x:\n+    e\n f\n g\n h\n");
        assert_eq!(unified("v/r.py", &old, &old.iter().map(|line| vec![(*line).to_owned()]).collect::<Vec<_>>()), None);
    }
}
