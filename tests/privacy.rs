//! No text about people or places leaves a DICOM file: not by results, not by files written, not by errors.
//!
//! Every text attribute that DICOM's dictionary knows in the groups below gets a canary, as do private elements and nested items;
//! only the allow-list of technical attributes keeps its values. Then every command runs, and nothing that it says or writes may hold
//! a canary.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{InMemDicomObject, StandardDataDictionary, open_file};

use crate::support::{Folder, Ran, run, small_series};

/// In every planted name; a day that nobody was born on for this purpose; a root of identifiers.
const CANARIES: [&str; 3] = ["Zqvx", "18830229", "1.2.826.0.1.9999.4711"];

/// The groups of the dictionary that can speak of people, places, visits and devices.
const GROUPS: [u16; 14] =
    [0x0008, 0x0010, 0x0012, 0x0014, 0x0018, 0x0020, 0x0022, 0x0028, 0x0032, 0x0038, 0x0040, 0x0054, 0x0088, 0x300A];

/// Text attributes that say how an image was made and how it is to be read: these are allowed out, or steer the reading.
const TECHNICAL: [(u16, u16); 13] = [
    (0x0008, 0x0005), // SpecificCharacterSet
    (0x0008, 0x0016), // SOPClassUID
    (0x0008, 0x0032), // AcquisitionTime: orders slices, never shown; a time alone names nobody
    (0x0008, 0x0060), // Modality
    (0x0028, 0x0004), // PhotometricInterpretation
    (0x0028, 0x0301), // BurnedInAnnotation
    (0x0028, 0x1054), // RescaleType
    (0x0028, 0x1056), // VOILUTFunction
    (0x0028, 0x2110), // LossyImageCompression
    (0x0028, 0x2114), // LossyImageCompressionMethod
    (0x0020, 0x0013), // InstanceNumber
    (0x0028, 0x0008), // NumberOfFrames
    (0x0008, 0x0001), // LengthToEnd: retired, and steers old readers
];

/// A canary of this kind of text, or `None` if it holds no free text, name, date or identifier.
fn canary(vr: VR) -> Option<String> {
    Some(match vr {
        VR::PN => "Zqvx^Maria^^Dr".into(),
        VR::LO | VR::SH | VR::ST | VR::LT | VR::UT | VR::UC => "Zqvx Infirmary".into(),
        VR::AE | VR::CS => "ZqvxSTATION".into(),
        VR::UR => "https://Zqvx.example".into(),
        VR::DA => "18830229".into(),
        VR::DT => "18830229101112".into(),
        VR::UI => "1.2.826.0.1.9999.4711.1".into(),
        _ => return None,
    })
}

/// Plants canaries wherever the dictionary knows a text attribute; returns how many.
fn plant(object: &mut InMemDicomObject) -> usize {
    let mut planted = 0;
    for group in GROUPS {
        for element in 0..=0xFFFF {
            let tag = Tag(group, element);
            if TECHNICAL.contains(&(group, element)) || element == 0 {
                continue;
            }
            let Some(VirtualVr::Exact(vr)) = StandardDataDictionary.by_tag(tag).map(|e| e.vr()) else { continue };
            if let Some(text) = canary(vr) {
                object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
                planted += 1;
            }
        }
    }
    // Private elements, and names inside of sequences.
    object.put(DataElement::new(Tag(0x0009, 0x0010), VR::LO, "Zqvx PRIVATE"));
    object.put(DataElement::new(Tag(0x0009, 0x1001), VR::UN, PrimitiveValue::from(b"Zqvx secret".to_vec())));
    object.put(DataElement::new(Tag(0x0029, 0x0010), VR::LO, "Zqvx PRIVATE"));
    object.put(DataElement::new(Tag(0x0029, 0x1020), VR::LT, "Zqvx private note"));
    let item = InMemDicomObject::from_element_iter([
        DataElement::new(Tag(0x0040, 0x1101), VR::LO, PrimitiveValue::from("Zqvx item")),
        DataElement::new(Tag(0x0010, 0x0010), VR::PN, PrimitiveValue::from("Zqvx^Nested")),
    ]);
    object.put(DataElement::new(Tag(0x0008, 0x1110), VR::SQ, DataSetSequence::from(vec![item])));
    planted + 6
}

/// A series full of canaries.
fn planted_series(folder: &Path) -> String {
    let path = small_series(folder, 4);
    for (n, entry) in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).enumerate() {
        let mut object = open_file(&entry).unwrap();
        let planted = plant(&mut object);
        assert!(planted > 400, "{planted} canaries");
        object.put(DataElement::new(Tag(0x0008, 0x0018), VR::UI, format!("1.2.826.0.1.9999.4711.{n}")));
        object.write_to_file(&entry).unwrap();
    }
    path
}

fn found_in(bytes: &[u8]) -> Option<&'static str> {
    CANARIES.into_iter().find(|canary| {
        let canary = canary.as_bytes();
        // Also as UTF-16 and in other cases of letters.
        let wide: Vec<u8> = canary.iter().flat_map(|b| [*b, 0]).collect();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w.eq_ignore_ascii_case(needle));
        has(canary) || has(&wide)
    })
}

/// What can be read of a file: its bytes, and what they unpack to.
fn readings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![bytes.to_vec()];
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
        all.push(plain);
    }
    all
}

/// Looks at what a run said and at every file it left, and empties the folder.
#[track_caller]
fn inspect(ran: &Ran, outputs: &Folder) -> usize {
    for said in [&ran.stdout[..], ran.stderr.as_bytes()] {
        assert_eq!(found_in(said), None, "{} said: {}", ran.line, String::from_utf8_lossy(said));
    }
    assert!(!ran.stderr.contains("internal error"), "{}: {}", ran.line, ran.stderr);
    let names = outputs.names();
    for name in &names {
        let path = outputs.path().join(name);
        for bytes in readings(&std::fs::read(&path).unwrap()) {
            assert_eq!(found_in(&bytes), None, "{}: {name:?}", ran.line);
        }
        std::fs::remove_file(path).unwrap();
    }
    names.len()
}

/// Command lines over one input, with the number of files each must write.
fn every_command(input: &str, out: &Folder) -> Vec<(Vec<String>, usize)> {
    let at = |name: &str| out.at(name);
    let line = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
    vec![
        (line(&["info", input]), 0),
        (line(&["info", "-v", "--json", input]), 0),
        (line(&["stats", "-v", input]), 0),
        (line(&["stats", "--json", input]), 0),
        (line(&["stats", input, "--mask", input]), 0),
        (line(&["stats", input, "--where", "5000:6000"]), 0),
        (line(&["histogram", input, "-o", &at("h.csv")]), 1),
        (line(&["histogram", input, "-o", &at("h.json"), "--json"]), 1),
        (line(&["histogram", input, "-o", &at("h.svg")]), 1),
        (line(&["histogram", input, "-o", &at("h.png")]), 1),
        (line(&["equalize", input, "-o", &at("e.nii.gz"), "--figure", &at("e.svg"), "--report", &at("e.html")]), 3),
        (line(&["equalize", "-v", "--json", input, "-o", &at("e.tif"), "--figure", &at("e.png")]), 2),
        (line(&["map", input, "--steps", "clip:-1000:400,zscore", "-o", &at("z.nii.gz"), "--figure", &at("z.svg")]), 2),
        (line(&["window", "--json", input, "--preset", "lung", "-o", &at("w.tif"), "--figure", &at("w.png")]), 2),
        (line(&["threshold", "-v", input, "--otsu", "3", "-o", &at("t.nii"), "--figure", &at("t.svg")]), 2),
        (line(&["mask", "--json", input, input, "-o", &at("m.nii"), "--figure", &at("m.svg")]), 2),
        (line(&["slice", input, "-o", &at("s.png")]), 1),
        (line(&["slice", "--json", input, "-o", &at("s.svg"), "--montage", "4"]), 1),
        (line(&["convert", "-v", input, "-o", &at("c.nii")]), 1),
        (line(&["convert", input, "-o", &at("c.nii.gz")]), 1),
        (line(&["convert", "--json", input, "-o", &at("c.tif")]), 1),
        (line(&["convert", input, "-o", &at("no/such/folder.nii")]), 0),
    ]
}

fn run_all(input: &str, must_write: bool) {
    let outputs = Folder::new();
    for (line, files) in every_command(input, &outputs) {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let ran = run(&words);
        let written = inspect(&ran, &outputs);
        if must_write {
            assert_eq!(written, files, "{}: {}", ran.line, ran.stderr);
        }
    }
}

#[test]
fn a_canary_is_found_where_there_is_one() {
    assert_eq!(found_in(b"..zQVX.."), Some("Zqvx"));
    assert_eq!(found_in(b"..Z\0q\0v\0x\0.."), Some("Zqvx"));
    assert_eq!(found_in(b"nothing here"), None);
    let folder = Folder::new();
    planted_series(folder.path());
    let bytes = std::fs::read(folder.path().join("slice_0001.dcm")).unwrap();
    let hits: BTreeSet<&str> = CANARIES.into_iter().filter(|c| bytes.windows(c.len()).any(|w| w == c.as_bytes())).collect();
    assert_eq!(hits, CANARIES.into());
}

#[test]
fn no_result_holds_text_about_people() {
    let folder = Folder::new();
    run_all(&planted_series(folder.path()), true);
}

#[test]
fn no_result_of_a_single_slice_or_stack_holds_text_about_people() {
    let folder = Folder::new();
    let series = planted_series(folder.path());
    run_all(&format!("{series}/slice_0002.dcm"), true);
    let outputs = Folder::new();
    let slices = [1, 3].map(|n| format!("{series}/slice_000{n}.dcm"));
    inspect(&run(&["convert", &slices[0], &slices[1], "-o", &outputs.at("out.nii")]), &outputs);
}

#[test]
fn no_error_about_a_truncated_file_holds_text_about_people() {
    let folder = Folder::new();
    let series = planted_series(folder.path());
    let whole = std::fs::read(format!("{series}/slice_0001.dcm")).unwrap();
    let outputs = Folder::new();
    for part in [10, 30, 50, 70, 80, 90, 95, 99] {
        let path = folder.file("truncated", &whole[..whole.len() * part / 100]);
        for command in ["info", "stats"] {
            inspect(&run(&[command, "-v", &path]), &outputs);
        }
        inspect(&run(&["equalize", &path, "-o", &outputs.at("out.nii")]), &outputs);
    }
}

#[test]
fn no_error_about_a_broken_series_holds_text_about_people() {
    let folder = Folder::new();
    let series = planted_series(folder.path());
    // A slice is missing; then one is doubled; then another series lies beside them.
    std::fs::remove_file(format!("{series}/slice_0002.dcm")).unwrap();
    run_all(&series, false);
    std::fs::copy(format!("{series}/slice_0001.dcm"), format!("{series}/again.dcm")).unwrap();
    run_all(&series, false);
    let path = format!("{series}/again.dcm");
    let mut object = open_file(&path).unwrap();
    object.put(DataElement::new(Tag(0x0020, 0x000E), VR::UI, "1.2.826.0.1.9999.4711.77"));
    object.write_to_file(&path).unwrap();
    run_all(&series, false);
}

#[test]
fn no_error_about_a_senseless_value_repeats_it() {
    let folder = Folder::new();
    let series = planted_series(folder.path());
    let path = format!("{series}/slice_0001.dcm");
    let whole = open_file(&path).unwrap();
    // What a careless export may leave where technical values belong.
    for (group, element, vr) in [
        (0x0008, 0x0016, VR::UI),
        (0x0008, 0x0060, VR::CS),
        (0x0018, 0x0050, VR::DS),
        (0x0018, 0x0060, VR::DS),
        (0x0020, 0x0013, VR::IS),
        (0x0020, 0x0032, VR::DS),
        (0x0020, 0x0037, VR::DS),
        (0x0028, 0x0004, VR::CS),
        (0x0028, 0x0008, VR::IS),
        (0x0028, 0x0030, VR::DS),
        (0x0028, 0x0301, VR::CS),
        (0x0028, 0x1050, VR::DS),
        (0x0028, 0x1052, VR::DS),
        (0x0028, 0x1053, VR::DS),
        (0x0028, 0x1054, VR::LO),
        (0x0028, 0x1056, VR::CS),
    ] {
        let mut object = whole.clone();
        object.put(DataElement::new(Tag(group, element), vr, PrimitiveValue::from("Zqvx^Maria")));
        let path = folder.at("senseless");
        object.write_to_file(&path).unwrap();
        let outputs = Folder::new();
        for args in [vec!["info", "-v", &path], vec!["stats", &path], vec!["slice", &path, "-o", &outputs.at("out.svg")]] {
            inspect(&run(&args), &outputs);
        }
    }
    // A transfer syntax that is none.
    let mut bytes = std::fs::read(&path).unwrap();
    let syntax = b"1.2.840.10008.1.2.1\0";
    let at = bytes.windows(syntax.len()).position(|w| w == syntax).unwrap();
    bytes[at..at + syntax.len()].copy_from_slice(b"Zqvx.840.10008.1.2.1");
    let path = folder.file("syntax", &bytes);
    inspect(&run(&["info", &path]), &Folder::new());
}

#[test]
fn no_free_text_of_other_formats_is_passed_on() {
    let folder = Folder::new();
    // NIfTI: data_type, db_name, descrip, aux_file, intent_name, and an extension behind the header.
    let mut bytes = crate::support::nifti(&[8, 6, 4], 2, &(0..192).collect::<Vec<u8>>());
    for (at, room) in [(4, 10), (14, 18), (148, 80), (228, 24), (328, 16)] {
        let text = b"Zqvx^Maria 18830229";
        let n = text.len().min(room);
        bytes[at..at + n].copy_from_slice(&text[..n]);
    }
    let voxels = bytes.split_off(352);
    bytes[348] = 1;
    bytes[108..112].copy_from_slice(&384f32.to_le_bytes());
    bytes.extend(32i32.to_le_bytes());
    bytes.extend(6i32.to_le_bytes());
    bytes.extend(b"Zqvx comment on her\0\0\0\0\0");
    assert_eq!(bytes.len(), 384);
    bytes.extend(voxels);
    assert_eq!(found_in(&bytes), Some("Zqvx"));
    run_all(&folder.file("volume.nii", &bytes), true);

    // PNG: a text chunk right behind the header.
    let plain = folder.at("plain.png");
    assert_eq!(run(&["slice", &folder.at("volume.nii"), "-o", &plain]).code, Some(0));
    let png = std::fs::read(&plain).unwrap();
    let mut chunk = b"tEXtComment\0Zqvx Maria".to_vec();
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    chunk.extend(crc.sum().to_be_bytes());
    let with_text = [&png[..33], &length, &chunk, &png[33..]].concat();
    let path = folder.file("text.png", &with_text);
    assert_eq!(run(&["info", &path]).code, Some(0), "the text chunk broke the file");
    run_all(&path, false);
}

/// A header of text with `value` behind key `at`, or as it is, and its voxels.
fn text_file(head: &str, lines: &[&str], (at, value): (usize, &str), separator: &str, tail: &str) -> Vec<u8> {
    let mut text = head.to_owned();
    for (i, line) in lines.iter().enumerate() {
        let key = line.split_once(separator).unwrap().0;
        let line = if i == at { format!("{key}{separator}{value}") } else { (*line).to_owned() };
        text += &(line + "\n");
    }
    let mut bytes = (text + tail).into_bytes();
    bytes.extend((0..192).collect::<Vec<u8>>());
    bytes
}

#[test]
fn no_text_of_nrrd_and_metaimage_headers_is_passed_on() {
    let nrrd = (
        "NRRD0005\n# Zqvx Maria\nZqvx:=Maria\nPatientName:=Zqvx^Maria\ncontent: Zqvx Maria\nZqvx: 18830229\n",
        [
            "type: uchar",
            "dimension: 3",
            "sizes: 8 6 4",
            "space: LPS",
            "space directions: (1,0,0) (0,1,0) (0,0,2)",
            "space origin: (0,0,0)",
            "kinds: domain domain domain",
            "labels: \"Zqvx\" \"Zqvx\" \"Zqvx\"",
            "units: \"mm\" \"mm\" \"mm\"",
            "space units: \"mm\" \"mm\" \"mm\"",
            "sample units: HU",
            "endian: little",
            "encoding: raw",
            "line skip: 0",
            "byte skip: 0",
            "old min: 0",
        ],
        ("a.nrrd", "data file: ", ": ", "\n"),
    );
    let meta = (
        "Comment = Zqvx Maria\nName = Zqvx\n0010|0010 = Zqvx^Maria\n",
        [
            "ObjectType = Image",
            "NDims = 3",
            "DimSize = 8 6 4",
            "ElementType = MET_UCHAR",
            "ElementNumberOfChannels = 1",
            "ElementSpacing = 1 1 2",
            "DistanceUnits = mm",
            "TransformMatrix = 1 0 0 0 1 0 0 0 1",
            "Offset = 0 0 0",
            "AnatomicalOrientation = RAI",
            "BinaryData = True",
            "BinaryDataByteOrderMSB = False",
            "ElementByteOrderMSB = False",
            "CompressedData = False",
            "CompressedDataSize = 0",
            "HeaderSize = 0",
        ],
        ("a.mha", "ElementDataFile = ", " = ", "ElementDataFile = LOCAL\n"),
    );
    for (head, lines, (name, data_file, separator, tail)) in [nrrd, meta] {
        let (folder, outputs) = (Folder::new(), Folder::new());
        let path = folder.file(name, &text_file(head, &lines, (usize::MAX, ""), separator, tail));
        run_all(&path, true);
        for at in 0..lines.len() {
            folder.file(name, &text_file(head, &lines, (at, "Zqvx^Maria 18830229"), separator, tail));
            for args in [vec!["info", "-v", &path], vec!["convert", "--force", &path, "-o", &outputs.at("out.nrrd")]] {
                inspect(&run(&args), &outputs);
            }
        }
        // A name of data that leads nowhere, or elsewhere.
        for data in ["Zqvx^Maria.raw", "../Zqvx.raw", "/Zqvx.raw", "LIST\nZqvx.raw", "Zqvx%d.raw 1 3 1", "Zqvx%s 1 2 3"] {
            let text = text_file(head, &lines, (usize::MAX, ""), separator, &format!("{data_file}{data}\n"));
            folder.file(name, &text[..text.len() - 192]);
            let ran = run(&["info", "-v", &path]);
            assert_ne!(ran.code, Some(0), "{data}");
            inspect(&ran, &outputs);
        }
    }
}
