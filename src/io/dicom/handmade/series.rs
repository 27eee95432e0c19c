//! Several files that make a volume, or none.

use super::*;

#[test]
fn slices_are_ordered_by_place_not_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z) in [("a", 4.0), ("b", 0.0), ("c", 2.0), ("d", 6.0)] {
        slice(folder.path(), name, &[position(z), words(&[z as u16; 6])]);
    }
    std::fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    std::fs::create_dir(folder.path().join("more")).unwrap();
    let series = open_files(&[folder.path().into()], &OpenOptions::default()).unwrap();
    let header = series.header();
    assert_eq!(header.grid.shape.axes(), [3, 2, 4]);
    let geometry = header.grid.geometry.as_ref().unwrap();
    assert_eq!((geometry.spacing_mm, geometry.position.as_ref().unwrap().origin_mm), ([0.25, 0.5, 2.0], [-3.0, 4.0, 0.0]));
    assert_eq!(values(&series).chunks(6).map(|s| s[0]).collect::<Vec<_>>(), [0.0, 2.0, 4.0, 6.0]);
    assert_eq!(series.slice(0).unwrap().0.file_name().unwrap(), "b");
    assert_eq!(header.origin.notes, ["1 file in the folder is no DICOM image and was left out"]);
    assert_eq!((header.origin.files, header.origin.format.as_str()), (4, "DICOM series"));
}

#[test]
fn untrusted_geometry_goes_on_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z) in [("a", 0.0), ("b", 2.0), ("c", 4.0), ("d", 8.0)] {
        slice(folder.path(), name, &[position(z), words(&[z as u16; 6])]);
    }
    let Err(refused) = open(folder.path(), &OpenOptions::default()) else { panic!("a gap") };
    assert!(
        matches!(&refused, Error::Geometry { flaws, .. } if flaws.len() == 1)
            && refused.to_string().contains("4.000 mm between slices 3 and 4"),
        "{refused}"
    );
    let source = open(folder.path(), &trusting()).unwrap();
    assert_eq!(source.header().grid.geometry.as_ref().unwrap().spacing_mm[2], 2.0);
    // The same place twice, and nothing to tell the two apart.
    slice(folder.path(), "e", &[position(2.0), words(&[77; 6])]);
    let Err(refused) = open(folder.path(), &OpenOptions::default()) else { panic!("a double") };
    assert!(refused.to_string().contains("2 slices share one position"), "{refused}");
    // Another size never makes a volume.
    slice(folder.path(), "f", &[position(10.0), word(tags::ROWS, 1)]);
    assert!(matches!(open(folder.path(), &trusting()), Err(Error::Format { .. })));
}

#[test]
fn slices_of_uneven_steps_are_put_onto_a_grid() {
    let folder = tempfile::tempdir().unwrap();
    for (name, z, value) in [("a", 0.0, 10), ("b", 2.0, 30), ("c", 4.0, 50), ("d", 8.0, 91)] {
        slice(folder.path(), name, &[position(z), words(&[value; 6])]);
    }
    let regrid = OpenOptions { regrid: true, ..OpenOptions::default() };
    let Err(refused) = open(folder.path(), &OpenOptions::default()) else { panic!("a gap") };
    assert!(refused.to_string().contains("1 slice is missing") && refused.to_string().contains("regular grid"), "{refused}");
    let read = |options: &OpenOptions| {
        let source = open(folder.path(), options).unwrap();
        let mut bytes = vec![0; source.header().bytes() as usize];
        // Not in the steps of slices.
        let (first, rest) = bytes.split_at_mut(14);
        source.read(0, first).unwrap();
        source.read(7, rest).unwrap();
        let values: Vec<u16> = bytes.as_chunks().0.iter().step_by(6).map(|v| u16::from_le_bytes(*v)).collect();
        (source.header().clone(), values)
    };
    let (header, values) = read(&regrid);
    assert_eq!((header.grid.shape.axes(), values), ([3, 2, 5].as_slice(), vec![10, 30, 50, 71, 91]));
    assert_eq!(header.grid.geometry.unwrap().spacing_mm[2], 2.0);
    assert!(header.origin.notes.iter().any(|n| n.contains("1 slice is missing")), "{:?}", header.origin.notes);
    // No label lies between two.
    let (_, values) = read(&OpenOptions { role: crate::io::Role::Labels, ..regrid.clone() });
    assert_eq!(values, [10, 30, 50, 91, 91]);
    // What makes a grid stays as it is.
    std::fs::remove_file(folder.path().join("d")).unwrap();
    let (header, values) = read(&regrid);
    assert_eq!((values, header.origin.notes.iter().any(|n| n.contains("regular"))), (vec![10, 30, 50], false));
}

#[test]
fn what_people_wrote_of_a_series_is_given_only_if_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    slice(folder.path(), "a", &[position(0.0), text(tags::SERIES_DESCRIPTION, VR::LO, "Head of\u{1b}[2J Jane")]);
    let told = |show_text| {
        let catalogue = catalogue(folder.path(), &OpenOptions { show_text, ..OpenOptions::default() }).unwrap();
        catalogue.series[0].description.clone()
    };
    assert_eq!((told(false), told(true).as_deref()), (None, Some("Head of [2J Jane")));
}

#[test]
fn several_series_are_listed_without_names() {
    let folder = tempfile::tempdir().unwrap();
    slice(folder.path(), "a1", &[position(0.0)]);
    slice(folder.path(), "a2", &[position(1.0)]);
    slice(folder.path(), "b1", &[text(tags::SERIES, VR::UI, "1.2.8"), text(tags::MODALITY, VR::CS, "Secret^Code")]);
    let Err(refused) = open(folder.path(), &OpenOptions::default()) else { panic!("two series") };
    let said = refused.to_string();
    assert!(said.contains("by its number"), "{said}");
    let Error::SeveralSeries { catalogue: told, asked: None, .. } = refused else { panic!("{said}") };
    assert_eq!(told, catalogue(folder.path(), &OpenOptions::default()).unwrap());
    assert!(said.contains("1: MR, 2 files of 3 x 2") && said.contains("2: unknown modality, 1 file of"), "{said}");
    let pick = |n: u32| open(folder.path(), &OpenOptions { series: Some(n), ..OpenOptions::default() });
    assert_eq!(pick(1).unwrap().header().grid.shape.axes(), [3, 2, 2]);
    assert_eq!(pick(2).unwrap().header().grid.shape.axes(), [3, 2, 1]);
    let Err(refused) = pick(3) else { panic!("no third series") };
    assert!(matches!(&refused, Error::SeveralSeries { asked: Some(3), catalogue, .. } if *catalogue == told), "{refused}");
    for said in [said, refused.to_string(), format!("{:?}", pick(2).unwrap().header())] {
        assert!(!said.contains("Secret"), "{said}");
    }
}

#[test]
fn a_catalogue_tells_series_apart_before_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let other = |tail: &str| text(tags::SERIES, VR::UI, &format!("1.2.8{tail}"));
    slice(folder.path(), "a1", &[other(""), text(tags::FRAMES, VR::IS, "2"), words(&[0; 12])]);
    slice(folder.path(), "b1", &[position(0.0)]);
    slice(folder.path(), "b2", &[position(1.0), word(tags::BITS_ALLOCATED, 12)]);
    slice(folder.path(), "c1", &[other(".1"), word(tags::BITS_ALLOCATED, 12), text(tags::MODALITY, VR::CS, "CT")]);
    std::fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    let found = catalogue(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!((found.series.len(), found.other_files), (3, 1));
    let [a, b, c] = &found.series[..] else { panic!("{found:?}") };
    assert_eq!((a.number, a.files, a.images, a.unreadable, a.size, a.spacing_mm), (1, 1, 2, 0, Some([3, 2]), Some([0.25, 0.5])));
    assert_eq!((b.number, b.files, b.images, b.unreadable, b.modality.as_deref()), (2, 2, 1, 1, Some("MR")));
    assert_eq!((c.number, c.files, c.images, c.unreadable, c.size, c.modality.as_deref()), (3, 1, 0, 1, None, None));
    assert_eq!(b.bytes, std::fs::metadata(folder.path().join("b1")).unwrap().len());
    assert_eq!(
        found.to_string(),
        "1: MR, 1 file of 3 x 2, 0.0 MB; 2: MR, 2 files of 3 x 2, 0.0 MB, 1 unreadable; 3: 1 unreadable file"
    );
    assert!(!format!("{found:?}").contains("Secret"));
    // What can be read of the others is read; the one that cannot says why.
    assert!(open(folder.path(), &OpenOptions { series: Some(3), ..OpenOptions::default() }).is_err());
}

#[test]
fn without_places_numbers_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, number) in [("a", "3"), ("b", "1"), ("c", "2")] {
        let edits =
            [text(tags::POSITION, VR::DS, ""), text(tags::INSTANCE_NUMBER, VR::IS, number), words(&[number.parse().unwrap(); 6])];
        slice(folder.path(), name, &edits);
    }
    let source = open(folder.path(), &OpenOptions::default()).unwrap();
    assert_eq!(values(&*source).chunks(6).map(|s| s[0]).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
    assert!(source.header().origin.notes.contains(&"slices have no position and are ordered by InstanceNumber".into()));
    assert!(source.header().grid.geometry.as_ref().unwrap().position.is_none());
}
