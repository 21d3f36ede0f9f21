//! Files of age.

use std::io::{Read as _, Write as _};

use vault::age::{Identity, Recipient, open, seal};

const AT: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, 200_000];

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).expect("small")).collect()
}

fn sealed(content: &[u8], recipients: &[Recipient]) -> Vec<u8> {
    let mut file = seal(Vec::new(), recipients).expect("begun");
    file.write_all(content).expect("written");
    file.finish().expect("finished")
}

fn opened(file: &[u8], identity: &Identity) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(file, identity)?.read_to_end(&mut content)?;
    Ok(content)
}

#[test]
fn each_recipient_opens_the_file_and_nobody_else() {
    let (one, other) = (Identity::random().expect("random"), Identity::random().expect("random"));
    let stranger = Identity::random().expect("random");
    for length in AT {
        let content = bytes(length);
        let file = sealed(&content, &[one.recipient(), other.recipient()]);
        assert_eq!(opened(&file, &one).expect("for it"), content);
        assert_eq!(opened(&file, &other).expect("for it"), content);
        assert!(opened(&file, &stranger).is_err());
    }
}

#[test]
fn a_changed_a_cut_and_a_longer_file_is_refused() {
    let identity = Identity::random().expect("random");
    let file = sealed(&bytes(70_000), &[identity.recipient()]);
    for at in (0..file.len()).step_by(97) {
        let mut other = file.clone();
        other[at] ^= 1;
        assert!(opened(&other, &identity).is_err(), "byte {at}");
        assert!(opened(&file[..at], &identity).is_err(), "cut at {at}");
    }
    let longer = [file.as_slice(), &[0]].concat();
    assert!(opened(&longer, &identity).is_err());
}

#[test]
fn recipients_and_identities_are_read_as_age_writes_them() {
    let identity = "# created: 2026-11-28T12:00:00Z\n# public key: age1\n".to_owned();
    let known = Identity::random().expect("random");
    let text = format!("{identity}{}\n", *known.to_line());
    let read: Identity = text.parse().expect("an identity file");
    assert_eq!(read.recipient(), known.recipient());
    let recipient = known.recipient().to_string();
    assert!(recipient.starts_with("age1") && recipient.len() == 62, "{recipient}");
    assert_eq!(recipient.parse(), Ok(known.recipient()));
    let refused = recipient.to_uppercase().parse::<Recipient>().expect_err("no recipient");
    assert!(!refused.to_string().contains(&recipient[4..]), "{refused}");
    assert!("AGE-SECRET-KEY-1QQQ".parse::<Identity>().is_err());
    assert!("".parse::<Identity>().is_err());
}

/// Made by another implementation (rage, through pyrage 1.3); the file holds `keys` and a line
/// feed, and a stanza that no reader knows.
const IDENTITY: &str = "AGE-SECRET-KEY-1L497ARXHG8D6XY43JTELDCERJNQKAN32FF4MQLS88EPT3D8MPA9QG8VJW6";
const RECIPIENT: &str = "age18q7uqrtdvt7m7s4z2zmd2736da9j30e252pr465fm0aqycvf84rsvcm32m";
const FILE: &str = "6167652d656e6372797074696f6e2e6f72672f76310a2d3e205832353531392046567645684c463365\
    4e796d417279592f705665634e764e2f71385679623034657873385234544a6f45410a704556704133644759\
    6e3162444354686b4e4d6973456434416971442b764f5663416f386151455068436b0a2d3e20367c252f7557\
    39522d6772656173652024763f292f4220734f20285a37204550710a4b562b54734a43377536380a2d2d2d20\
    52724a3033596b375467447557616c6c36513170624249634d725464747275385631354a6432494f5963450a\
    d70809c5b19854ebb62c16eb78f5221d4ddbee20650eefbd4f0f49e56ba4881b94625e3c0c";

#[test]
fn what_another_implementation_wrote_is_opened() {
    let digit = |at: usize| u8::from_str_radix(&FILE[at..at + 2], 16).expect("hexadecimal");
    let file: Vec<u8> = (0..FILE.len()).step_by(2).map(digit).collect();
    let identity: Identity = IDENTITY.parse().expect("an identity");
    assert_eq!(identity.recipient().to_string(), RECIPIENT);
    assert_eq!(opened(&file, &identity).expect("for it"), b"keys\n");
}
