//! What the program says: notes with every result, counts that are true, words that were typed, pictures that can be asked for again.

use serde_json::{Value, json};

use crate::support::{Folder, data, nifti, nifti_voxels, ok, program, run, small_nifti, small_series};

/// A NIfTI volume of 16-bit voxels with a place in the patient: RAS+ steps along x, y and z, and an origin.
fn placed(shape: [i16; 3], voxels: &[i16], steps: [f32; 3], origin: [f32; 3]) -> Vec<u8> {
    let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut file = nifti(&shape, 4, &bytes);
    file[254..256].copy_from_slice(&1i16.to_le_bytes());
    for row in 0..3 {
        let mut line = [0f32; 4];
        line[row] = steps[row];
        line[3] = origin[row];
        for (i, value) in line.into_iter().enumerate() {
            let at = 280 + 16 * row + 4 * i;
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
    }
    file
}

/// Width, height and greys of a picture; colours are told apart by their greys.
fn pixels(path: &str) -> (u64, u64, Vec<u8>) {
    use hounsfield::io::{OpenOptions, open};
    let source = open(&[path.into()], &OpenOptions::default()).unwrap();
    let [width, height, _] = source.header().grid.shape.xyz();
    let mut bytes = vec![0; (width * height) as usize];
    source.read(0, &mut bytes).unwrap();
    (width, height, bytes)
}

fn notes(said: &Value) -> Vec<String> {
    said["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_result_has_its_notes_once_and_also_when_quiet() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "i.nii");
    let at = |name: &str| folder.at(name);
    let unit = "the unit of length is not stated";
    std::fs::write(at("i.nii"), {
        let mut file = std::fs::read(&image).unwrap();
        file[123] = 0;
        file
    })
    .unwrap();
    let out = at("out.nii");
    let picture = at("out.png");
    for line in [
        vec!["info"],
        vec!["stats", "--mask", &image],
        vec!["histogram", "-o", &picture],
        vec!["equalize", "-o", &out],
        vec!["map", "--steps", "minmax", "-o", &out],
        vec!["map", "--steps", "median:1", "-o", &out],
        vec!["window", "--center", "40", "--width", "80", "-o", &out],
        vec!["threshold", "--at", "40", "-o", &out],
        vec!["mask", &image, "-o", &out],
        vec!["segment", "-k", "2", "-o", &out],
        vec!["distance", "-o", &out],
        vec!["slice", "-o", &picture],
        vec!["convert", "-o", &out],
    ] {
        let mut words = vec![line[0], &image];
        words.extend(&line[1..]);
        words.extend(["--json", "--force"]);
        let quiet = ok(&[words.as_slice(), &["-q"]].concat());
        assert_eq!(quiet.stderr, "", "{}", quiet.line);
        let said = notes(&quiet.json());
        assert_eq!(said.iter().filter(|note| note.contains(unit)).count(), 1, "{}: {said:?}", quiet.line);
        let loud = ok(&words);
        assert_eq!(loud.stderr.matches(unit).count(), 1, "{}", loud.stderr);
        for note in &said {
            assert!(loud.stderr.contains(note.as_str()), "{note}: {}", loud.stderr);
        }
    }
    assert!(notes(&ok(&["devices", "--json"]).json()).is_empty());
}

#[test]
fn labels_are_written_where_the_table_counts() {
    let folder = Folder::new();
    let (image, mask) = (small_nifti(&folder, "i.nii"), folder.at("m.nii"));
    let selected: Vec<u8> = (0..8 * 6 * 4).map(|i| u8::from(i % 3 == 0) * 2).collect();
    std::fs::write(&mask, nifti(&[8, 6, 4], 2, &selected)).unwrap();
    let values = nifti_voxels(&image);
    let floats: Vec<u8> = values.iter().flat_map(|v| (f32::from(*v) + 0.25).to_le_bytes()).collect();
    let floats = folder.file("f.nii", &nifti(&[8, 6, 4], 16, &floats));
    let out = folder.at("o.nii");
    for (image, shift) in [(&image, 0.0), (&floats, 0.25)] {
        for (words, counts) in [
            (vec!["--mask", &mask], &(|i: usize, _: f64| selected[i] != 0) as &dyn Fn(usize, f64) -> bool),
            (vec!["--where", "20:200"], &|_, v| (20.0..=200.0).contains(&v)),
            (vec!["--mask", &mask, "--where", "20:200"], &|i, v| selected[i] != 0 && (20.0..=200.0).contains(&v)),
        ] {
            let line = [&["threshold", image, "--at", "50,100", "-o", &out, "--force", "--json"], words.as_slice()].concat();
            let said = ok(&line).json();
            let written = nifti_voxels(&out);
            for (i, (value, label)) in values.iter().zip(&written).enumerate() {
                let real = f64::from(*value) + shift;
                let class = 1 + u8::from(real > 50.0) + u8::from(real > 100.0);
                assert_eq!(*label, if counts(i, real) { class } else { 0 }, "{line:?} voxel {i}, {real}");
            }
            for (i, class) in said["classes"].as_array().unwrap().iter().enumerate() {
                assert_eq!(class["label"], i + 1);
                let n = written.iter().filter(|label| usize::from(**label) == i + 1).count();
                assert_eq!(class["voxels"], n, "{line:?}");
            }
            assert!(notes(&said).iter().any(|note| note.contains("numbered from 1")), "{said}");
        }
        // Without a selection nothing changes: 0 is the lowest class.
        let said = ok(&["threshold", image, "--at", "50,100", "-o", &out, "--force", "--json"]).json();
        assert_eq!(said["classes"][0]["label"], 0);
        assert_eq!(nifti_voxels(&out)[..4], [0, 0, 0, 0]);
    }
    let many: Vec<String> = (0..255).map(|t| t.to_string()).collect();
    let refused = run(&["threshold", &image, "--at", &many.join(","), "--mask", &mask, "-o", &folder.at("x.nii")]);
    assert!(refused.code == Some(2) && refused.stderr.contains("do not fit uint8"), "{}", refused.stderr);
}

#[test]
fn what_lies_outside_of_the_range_is_counted() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "i.nii");
    let inside = nifti_voxels(&image).iter().filter(|v| (50..=100).contains(*v)).count();
    let line = ["equalize", &image, "--range", "50:100", "-o", &folder.at("e.nii"), "--force"];
    let said = ok(&[&line[..], &["--json"]].concat()).json();
    assert_eq!((&said["count"], &said["outside"]), (&json!(inside), &json!(192 - inside)));
    assert!(ok(&line).text().contains(&format!("{} outside of the range", 192 - inside)));
    if let Some(chest) = data("dicom/ct_chest_lungpetctdx_A0002") {
        let said = ok(&["equalize", &chest, "--range", "-200:300", "-o", &folder.at("c.nii"), "--json"]).json();
        assert_eq!(said["count"].as_u64().unwrap() + said["outside"].as_u64().unwrap(), 512 * 512 * 30);
        assert_eq!(said["count"], 3_091_854);
    }
}

#[test]
fn a_window_of_ct_on_what_is_no_ct_is_said() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "i.nii");
    let series = small_series(&folder.path().join("series"), 3);
    let (out, picture) = (folder.at("o.nii"), folder.at("p.png"));
    let said = |words: &[&str]| notes(&ok(&[words, &["--json", "--force"]].concat()).json()).join("\n");
    let no_unit = "for Hounsfield units";
    for words in [
        vec!["window", &image, "--preset", "lung", "-o", &out],
        vec!["map", &image, "--steps", "window:Lung:sigmoid", "-o", &out],
        vec!["map", &series, "--steps", "equalize,window:lung", "-o", &out],
        vec!["slice", &image, "--preset", "LUNG", "-o", &picture],
    ] {
        assert!(said(&words).contains(no_unit), "{words:?}: {}", said(&words));
    }
    for words in [
        vec!["window", &series, "--preset", "lung", "-o", &out],
        vec!["map", &series, "--steps", "clip:-1000:400,window:lung", "-o", &out],
        vec!["slice", &series, "--preset", "lung", "-o", &picture],
        vec!["window", &image, "--center", "40", "--width", "80", "-o", &out],
    ] {
        assert!(!said(&words).contains("window"), "{words:?}: {}", said(&words));
    }
    let blank = "from 3960 to 4040 shows next to nothing: 98 % of the values run from ";
    assert!(said(&["window", &image, "--center", "4000", "--width", "80", "-o", &out]).contains(blank));
    assert!(
        said(&["slice", &image, "--window", "-500:-400", "-o", &picture]).contains("from -500 to -400 shows next to nothing")
    );
}

#[test]
fn results_have_the_unit_that_is_left() {
    let folder = Folder::new();
    let series = small_series(&folder.path().join("series"), 3);
    let unit = |steps: &str| {
        let said = ok(&["map", &series, "--steps", steps, "-o", &folder.at("o.nii"), "--force", "--json"]).json();
        (said["unit"].as_str().unwrap().to_owned(), said["input_unit"].as_str().unwrap().to_owned())
    };
    for steps in ["minmax", "zscore", "equalize", "otsu", "window:lung", "rescale:2:1", "nnunet", "clip:-100:100,invert"] {
        assert_eq!(unit(steps), (String::new(), "HU".into()), "{steps}");
    }
    for steps in ["clip:-100:100", "percentile:5:95"] {
        assert_eq!(unit(steps).0, "HU", "{steps}");
    }
}

#[test]
fn what_a_slice_says_can_be_typed_again() {
    let folder = Folder::new();
    let series = small_series(&folder.path().join("series"), 9);
    let (one, two) = (folder.at("1.png"), folder.at("2.png"));
    let said = ok(&["slice", &series, "--index", "3", "-o", &one]).text();
    assert!(said.contains("Axial, index 3 · 15.0 mm (S), window "), "{said}");
    let said = ok(&["slice", &series, "--mm", "15.0", "-o", &two, "--json"]).json();
    assert_eq!((&said["index"], &said["time"]), (&json!([3]), &json!(0)));
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    assert!(said["window"]["low"].as_f64() < said["window"]["high"].as_f64());
    assert_eq!(said["unit"], "HU");
    for (index, wants) in [("-1", "there is no axial slice -1; give 0 to 8"), ("9", "there is no axial slice 9; give 0 to 8")] {
        let ran = run(&["slice", &series, "--index", index, "-o", &folder.at("3.png")]);
        assert!(ran.code == Some(2) && ran.stderr.contains(wants), "{}", ran.stderr);
    }
    // To the right and in front the numbers are negative, as the option takes them.
    let said = ok(&["slice", &series, "--plane", "sagittal", "--index", "2", "-o", &folder.at("s.png")]).text();
    let mm = said.split(" · ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(mm.starts_with('-') && said.contains("mm (R)"), "{said}");
    let again = ok(&["slice", &series, "--plane", "sagittal", "--mm", mm, "-o", &folder.at("t.png"), "--json"]).json();
    assert_eq!(again["index"], json!([2]));
}

#[test]
fn a_plain_slice_is_its_pixels_and_labels_lie_over_it_whatever_their_axes() {
    let folder = Folder::new();
    let values: Vec<i16> = (0..6 * 5 * 3).collect();
    let image = folder.file("i.nii", &placed([6, 5, 3], &values, [1.0; 3], [0.0; 3]));
    let at = |x: usize, y: usize, z: usize| x + 6 * (y + 5 * z);
    let labelled = |x: usize, y: usize, z: usize| i16::from(z == 1 && x < 2 && y < 2) * 3;
    // The same labels with x running the other way.
    let mut turned = vec![0; 6 * 5 * 3];
    for (x, y, z) in (0..90).map(|i| (i % 6, i / 6 % 5, i / 30)) {
        turned[at(5 - x, y, z)] = labelled(x, y, z);
    }
    let labels = folder.file("l.nii", &placed([6, 5, 3], &turned, [-1.0, 1.0, 1.0], [5.0, 0.0, 0.0]));
    let (plain, over) = (folder.at("p.png"), folder.at("o.png"));
    ok(&["slice", &image, "--index", "1", "--window", "0:255", "--plain", "-o", &plain]);
    let (width, height, grey) = pixels(&plain);
    assert_eq!((width, height), (6, 5));
    // Patient left, which is -x in RAS+, is on the right of the picture, anterior on top.
    let shown = |u: usize, v: usize| (5 - u, 4 - v, 1);
    for (i, pixel) in grey.iter().enumerate() {
        let (x, y, z) = shown(i % 6, i / 6);
        assert_eq!(usize::from(*pixel), at(x, y, z));
    }
    let said =
        ok(&["slice", &image, "--index", "1", "--window", "0:255", "--plain", "--labels", &labels, "-o", &over, "--json"]).json();
    assert_eq!(said["labels"], json!([3]));
    assert!(notes(&said).iter().any(|note| note.contains("the axes of the labels")), "{said}");
    for (i, (a, b)) in grey.iter().zip(pixels(&over).2).enumerate() {
        let (x, y, z) = shown(i % 6, i / 6);
        assert_eq!(*a != b, labelled(x, y, z) != 0, "pixel {i}");
    }
}

#[test]
fn channels_are_turned_as_masks_are() {
    let folder = Folder::new();
    let (w, h, d) = (6usize, 5, 4);
    // Only the second channel tells the classes apart, and not alike from both ends.
    let value =
        |x: usize, y: usize, z: usize, c: i16| ((x * 7 + y * 3 + z * 11) % 13) as i16 + if c > 0 && x < 2 { 400 } else { 0 };
    let volume = |c, flip: bool| {
        let all = (0..w * h * d).map(|i| (i % w, i / w % h, i / (w * h)));
        all.map(|(x, y, z)| value(if flip { w - 1 - x } else { x }, y, z, c)).collect::<Vec<i16>>()
    };
    let shape = [6, 5, 4];
    let t1 = folder.file("t1.nii", &placed(shape, &volume(0, false), [1.0; 3], [0.0; 3]));
    let t2 = folder.file("t2.nii", &placed(shape, &volume(5, false), [1.0; 3], [0.0; 3]));
    let turned = folder.file("turned.nii", &placed(shape, &volume(5, true), [-1.0, 1.0, 1.0], [5.0, 0.0, 0.0]));
    let (a, b, figure) = (folder.at("a.nii"), folder.at("b.nii"), folder.at("f.svg"));
    ok(&["segment", &t1, "--channel", &t2, "-k", "2", "-o", &a]);
    let said =
        ok(&["segment", &t1, "--channel", &turned, "-k", "2", "-o", &b, "--truth", &a, "--figure", &figure, "--json"]).json();
    assert_eq!(nifti_voxels(&a), nifti_voxels(&b));
    assert!(notes(&said).iter().any(|note| note.contains("the axes of the channel 2")), "{said}");
    assert_eq!(said["classes"][0]["truth"]["dice"], 1.0);
    let drawn = std::fs::read_to_string(figure).unwrap();
    assert!(drawn.contains("Channel 1") && drawn.contains("Channel 2"), "every channel is drawn");
}

#[test]
fn colour_and_burnt_in_text_are_told() {
    let Some(folder) = data("ultrasound/normal_256px") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "png"));
    files.sort();
    let Some(png) = files.first().and_then(|path| path.to_str()) else { return };
    let said = ok(&["info", png, "--json"]).json();
    assert_eq!(said["burned_in_text"], Value::Null);
    let out = Folder::new();
    if said["colour"].is_string() {
        assert_eq!(said["colour"], "RGB, read as grey by Rec. 601");
        let converted = ok(&["convert", png, "-o", &out.at("o.nii"), "--json"]).json();
        assert!(notes(&converted).iter().any(|note| note.starts_with("colours were turned into grey")));
    }
    let colours = out.file("c.nii", &{
        let mut file = nifti(&[2, 1, 1], 2, &[255, 0, 0, 0, 0, 255]);
        file[70..72].copy_from_slice(&128i16.to_le_bytes());
        file[72..74].copy_from_slice(&24i16.to_le_bytes());
        file
    });
    assert_eq!(ok(&["info", &colours, "--json"]).json()["colour"], "RGB, read as grey by Rec. 601");
    let Some(tiff) = data("reports/planar_rgb.tif") else { return };
    assert_eq!(ok(&["info", &tiff, "--json", "--grey", "rec709"]).json()["colour"], "RGB, read as grey by Rec. 709");
    let series = small_series(&out.path().join("series"), 2);
    let said = ok(&["info", &series, "--json"]).json();
    assert_eq!((&said["burned_in_text"], &said["colour"]), (&json!(false), &Value::Null));
}

#[test]
fn what_a_file_does_not_say_of_burnt_in_text_is_not_known() {
    use dicom_core::{DataElement, Tag, VR};
    let folder = Folder::new();
    let series = small_series(&folder.path().join("series"), 2);
    let file = folder.path().join("series/slice_0001.dcm");
    let with = |annotation: Option<&str>, modality: &str| {
        let mut object = dicom_object::open_file(&file).unwrap();
        match annotation {
            Some(text) => drop(object.put(DataElement::new(Tag(0x0028, 0x0301), VR::CS, text))),
            None => drop(object.remove_element(Tag(0x0028, 0x0301))),
        }
        object.put(DataElement::new(Tag(0x0008, 0x0060), VR::CS, modality));
        object.write_to_file(&file).unwrap();
        let said = ok(&["info", file.to_str().unwrap(), "--json"]).json();
        (said["burned_in_text"].clone(), notes(&said).iter().any(|note| note.contains("burnt into the pixels")))
    };
    assert_eq!(with(Some("YES"), "CT"), (json!(true), true));
    assert_eq!(ok(&["info", &series, "--json"]).json()["burned_in_text"], true, "one of two slices");
    assert_eq!(with(Some("NO"), "US"), (json!(false), false));
    assert_eq!(with(None, "CT"), (Value::Null, false));
    assert_eq!(with(None, "US"), (Value::Null, true));
    assert!(ok(&["info", file.to_str().unwrap()]).text().contains("burned-in text   likely"));
}

#[test]
fn messages_use_the_words_that_were_typed() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "i.nii");
    let out = folder.at("o.nii");
    let empty = folder.file("m.nii", &nifti(&[8, 6, 4], 2, &[2; 192]));
    for (words, wants) in [
        (vec!["stats", &image, "--threads", "0"], "give a whole number from 1 on"),
        (vec!["stats", &image, "--memory", "0"], "give a whole number from 1 on"),
        (vec!["threshold", &image, "--percentile", "50,101", "-o", &out], "--percentile 50,101; give it percentiles"),
        (vec!["map", &image, "--steps", "clip -1000 400", "-o", &out], "write clip:-1000:400"),
        (vec!["map", &image, "--steps", "clip", "-1000", "400", "-o", &out], "--steps clip:-1000:400"),
        (vec!["map", &image, "--steps", "clip:5", "-o", &out], "write clip:LO:HI"),
        (vec!["map", &image, "--steps", "window:knee", "-o", &out], "give one of lung, bone"),
        (vec!["stats", &image, "--mask", &empty, "--label", "7"], "the mask has no voxel of label 7; there are 2"),
        (vec!["stats", &image, "--where", "300:400"], "no voxel counts; widen --where;"),
        (vec!["mask", &image, &empty, "--background", "1e300", "-o", &out], "does not fit uint8 voxels; give 0 to 255"),
    ] {
        let ran = run(&words);
        assert!(ran.code == Some(2) && ran.stderr.contains(wants), "{words:?}: {}", ran.stderr);
    }
    let said = ok(&["mask", &image, &empty, "--label", "7", "-o", &out, "--json"]).json();
    assert!(notes(&said).contains(&"no voxel of the masks has label 7; there are 2".to_owned()), "{said}");
}

#[test]
fn a_refused_series_still_says_what_is_known() {
    let folder = Folder::new();
    let series = small_series(&folder.path().join("series"), 9);
    std::fs::remove_file(folder.path().join("series/slice_0004.dcm")).unwrap();
    let ran = run(&["info", &series, "--json"]);
    assert_eq!(ran.code, Some(3));
    let said = ran.json();
    assert_eq!(said["refused"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!((&said["modality"], &said["shape"]), (&json!("CT"), &json!([48, 40, 8])));
    assert!(ran.stderr.contains("--allow-gaps"), "{}", ran.stderr);
    assert!(run(&["info", &series]).text().starts_with("refused "));
}

#[test]
fn a_folder_of_folders_lists_its_series() {
    let folder = Folder::new();
    small_series(&folder.path().join("scans/10"), 3);
    small_series(&folder.path().join("scans/9"), 2);
    std::fs::create_dir(folder.path().join("scans/empty")).unwrap();
    let scans = folder.at("scans");
    let said = ok(&["info", &scans, "--json"]).json();
    let series = said["series"].as_array().unwrap();
    assert_eq!(series.len(), 2, "{said}");
    assert_eq!((&series[0]["files"], &series[0]["modality"], &series[0]["size"]), (&json!(2), &json!("CT"), &json!([48, 40])));
    assert_eq!(said["folders_without"], 1);
    let text = ok(&["info", &scans]).text();
    assert!(text.contains("1 more folder holds no DICOM image") && text.contains("scans/9"), "{text}");
    // What is listed can be given.
    // However deep they lie, as on a disc.
    small_series(&folder.path().join("scans/disc/DICOM/ST0/SE0"), 2);
    let said = ok(&["info", &scans, "--json"]).json();
    assert_eq!((said["series"].as_array().unwrap().len(), &said["folders_without"]), (3, &json!(1)), "{said}");
    ok(&["info", series[1]["path"].as_str().unwrap(), "--series", &series[1]["number"].to_string()]);
    let ran = run(&["info", &folder.at("scans/empty")]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
}

#[test]
fn reports_give_the_whole_command_without_names_of_files() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("Zqvx_Maria")).unwrap();
    let image = small_nifti(&folder, "Zqvx_Maria/i.nii");
    let report = folder.at("Zqvx_Maria/r.html");
    let words =
        ["equalize", &image, "--range", "-5:200", "--padding", "drop", "--threads", "2", "-o", &folder.at("Zqvx_Maria/o.nii")];
    ok(&[&words[..], &["--report", &report]].concat());
    let page = std::fs::read_to_string(&report).unwrap();
    let line = "hounsfield equalize INPUT --range -5:200 --padding drop --output OUT --report R.html";
    assert!(page.contains(line) && !page.contains("Zqvx"), "{}", &page[page.len() - 3000..]);
    ok(&[&words[..], &["--report", &report, "--force", "--show-names"]].concat());
    assert!(std::fs::read_to_string(&report).unwrap().contains("Zqvx_Maria"));
    let segment = [
        "segment",
        &image,
        "-k",
        "2",
        "--names",
        "low,high",
        "--init",
        "means=10,200",
        "-o",
        &folder.at("s.nii"),
        "--report",
        &report,
    ];
    ok(&[&segment[..], &["--force"]].concat());
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(
        page.contains("hounsfield segment INPUT --classes 2 --names low,high --init means=10,200"),
        "{}",
        &page[page.len() - 3000..]
    );
}

#[test]
fn man_pages_replace_nothing_unasked() {
    let folder = Folder::new();
    let man = folder.at("man");
    ok(&["man", &man]);
    let again = run(&["man", &man]);
    assert!(again.code == Some(4) && again.stderr.contains("--force"), "{}", again.stderr);
    ok(&["man", &man, "--force"]);
}

#[test]
fn a_note_is_an_event_where_events_are_asked_for() {
    let folder = Folder::new();
    let image = small_nifti(&folder, "i.nii");
    let ran = program()
        .args(["threshold", &image, "--at", "5", "--where", "0:9", "--events", "-o", &folder.at("o.nii")])
        .output()
        .unwrap();
    for line in String::from_utf8(ran.stderr).unwrap().lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}
