//! The chest itself: x to the left, y to the back, z to the head; 400 x 400 x 320 units.

use super::hash::hash;

/// What one axial slice is made of.
pub(super) struct CrossSection {
    z: f64,
    /// Tubes that cross the slice.
    tubes: Vec<Tube>,
    /// Which of them reach into each cell of a coarse grid.
    cells: Vec<Vec<u32>>,
}

/// A straight tube from `a` to `b`.
#[derive(Debug, Clone, Copy)]
struct Tube {
    a: [f64; 3],
    b: [f64; 3],
    radius: f64,
    hu: f64,
}

const AIR: f64 = -1000.0;
const FAT: f64 = -100.0;
const MUSCLE: f64 = 50.0;
const LUNG: f64 = -850.0;
const BLOOD: f64 = 140.0;
const CELL: f64 = 16.0;
const CELLS: usize = 25;

impl CrossSection {
    /// The slice at `height`, 0 at the feet's end and 1 at the head's.
    pub(super) fn new(seed: u64, height: f64) -> Self {
        let z = height * 320.0;
        let mut tubes = fixed_tubes();
        vessels(seed, &mut tubes);
        tubes.retain(|t| t.a[2].min(t.b[2]) - t.radius - 3.0 <= z && z <= t.a[2].max(t.b[2]) + t.radius + 3.0);
        let mut cells = vec![Vec::new(); CELLS * CELLS];
        for (i, tube) in tubes.iter().enumerate() {
            let range = |axis: usize| {
                let (low, high) = (tube.a[axis].min(tube.b[axis]), tube.a[axis].max(tube.b[axis]));
                cell(low - tube.radius - 3.0)..=cell(high + tube.radius + 3.0)
            };
            for y in range(1) {
                for x in range(0) {
                    cells[y * CELLS + x].push(i as u32);
                }
            }
        }
        Self { z, tubes, cells }
    }

    /// Hounsfield units without noise; edges are `blur` wide.
    pub(super) fn hounsfield(&self, x: f64, y: f64, blur: f64) -> f64 {
        let z = self.z;
        let mut hu = AIR;
        let mut lay = |distance: f64, tissue: f64| {
            let part = (0.5 - distance / blur).clamp(0.0, 1.0);
            hu += (tissue - hu) * part;
        };
        table(x, y, &mut lay);
        let body = body(x, y, z);
        if body > blur {
            return hu;
        }
        lay(body, 10.0); // skin
        lay(body + 2.5, FAT);
        lay(body + 14.0 - 8.0 * bump(z, 60.0, 90.0), MUSCLE);
        breasts_and_pits(x, y, z, body, &mut lay);
        let chest = chest(x, y, z);
        ribs(x, y, z, chest, &mut lay);
        shoulders(x, y, z, &mut lay);
        // Fat lines the chest and fills the mediastinum.
        lay(chest, 30.0);
        lay(chest + 2.0, -60.0);
        let right = dome(x, y, z, -68.0, 118.0);
        let left = dome(x, y, z, 68.0, 102.0);
        abdomen(x, y, z, chest, if x < 0.0 { right } else { left }, &mut lay);
        let inside = chest + 4.0;
        let lung = |side: f64, dome: f64| {
            let midline = 22.0
                + 9.0 * bump(y, 62.0, 60.0)
                + 22.0 * bump(z, 150.0, 60.0) * smooth((30.0 - y) / 60.0) * if side > 0.0 { 1.0 } else { 0.35 };
            inside.max(midline - side * x).max(dome)
        };
        let lungs = lung(-1.0, right).min(lung(1.0, left));
        // Blood sinks to the back of a patient who lies on it.
        lay(lungs, LUNG + 0.35 * y);
        heart(x, y, z, &mut lay);
        spine(x, y, z, &mut lay);
        let at = cell(y) * CELLS + cell(x);
        for &i in &self.cells[at] {
            let tube = &self.tubes[i as usize];
            lay(tube.distance([x, y, z]), tube.hu);
        }
        hu
    }
}

fn cell(at: f64) -> usize {
    ((at + 200.0) / CELL).clamp(0.0, CELLS as f64 - 1.0) as usize
}

/// About the distance to an ellipsoid, negative inside.
fn ellipsoid(p: [f64; 3], axes: [f64; 3]) -> f64 {
    let f = (0..3).map(|i| p[i] / axes[i]).map(|q| q * q).sum::<f64>().sqrt();
    (f - 1.0) * axes[0].min(axes[1]).min(axes[2])
}

fn ellipse(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let f = ((x / a) * (x / a) + (y / b) * (y / b)).sqrt();
    (f - 1.0) * a.min(b)
}

/// 0 to 1 with a smooth middle.
fn smooth(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// 1 at `middle`, 0 from `reach` away on.
fn bump(z: f64, middle: f64, reach: f64) -> f64 {
    let t = (z - middle) / reach;
    (1.0 - t * t).max(0.0)
}

fn table(x: f64, y: f64, lay: &mut impl FnMut(f64, f64)) {
    let top = 138.0 - 0.0006 * x * x;
    let slab = (top - y).max(y - top - 22.0).max(x.abs() - 175.0);
    lay(slab, 60.0);
    lay(slab + 3.0, -920.0);
}

fn body(x: f64, y: f64, z: f64) -> f64 {
    // Shoulders above, waist below.
    let shoulders = smooth((z - 235.0) / 70.0);
    let a = 162.0 + 26.0 * shoulders + 8.0 * bump(z, 60.0, 90.0);
    let b = 118.0 - 22.0 * shoulders;
    // A superellipse of power 2.5: between an ellipse and a box.
    let p = |q: f64| {
        let q = q.abs();
        q * q * q.sqrt()
    };
    let f = p(x / a) + p((y - 6.0) / b);
    // f^(2/5) is near enough 1 + (f - 1) · 0.4 close to the edge; further in only the sign matters.
    (f - 1.0) * 0.4 * b
}

fn breasts_and_pits(x: f64, y: f64, z: f64, body: f64, lay: &mut impl FnMut(f64, f64)) {
    // Pectoral muscles in fat, and the fat of the armpits.
    let pectoral = ellipsoid([x.abs() - 72.0, y + 92.0, z - 215.0], [62.0, 11.0, 55.0]);
    lay(pectoral.max(body + 6.0), MUSCLE);
    let pit = ellipsoid([x.abs() - 142.0, y - 4.0, z - 250.0], [22.0, 34.0, 48.0]);
    lay(pit.max(body + 6.0), FAT);
    let spine_fat = ellipse(x, y - 112.0, 7.0, 12.0);
    lay(spine_fat.max(body + 4.0), FAT);
}

/// The inside of the rib cage: wide below, an apex above.
fn chest(x: f64, y: f64, z: f64) -> f64 {
    let t = ((z - 120.0) / 178.0).max(-0.35);
    let scale = (1.0 - t * t * t.abs()).max(0.0).sqrt();
    let (a, b) = ((132.0 * scale).max(1.0), (88.0 * scale).max(1.0));
    ellipse(x, y - 4.0, a, b)
}

fn ribs(x: f64, y: f64, z: f64, chest: f64, lay: &mut impl FnMut(f64, f64)) {
    let shell = (chest - 5.5).abs() - 4.0;
    // Ribs fall from back to front; the front end at the breastbone is cartilage.
    let along = z + 0.42 * (y + 90.0) - 0.12 * x.abs();
    let pitch = 26.0;
    let phase = along / pitch;
    let off = (phase - phase.floor() - 0.5).abs() * pitch - 5.0;
    let rib = shell.max(off * 0.9);
    let front = smooth((y + 92.0) / 30.0);
    let behind_sternum = x.abs() < 34.0 && y < 0.0;
    if !behind_sternum {
        lay(rib, 120.0 + 630.0 * front);
        lay(rib + 2.4, 90.0 + 190.0 * front);
    }
    let plate = ellipse(x, y + 92.0 - 4.0, 19.0, 6.5).max((z - 205.0).abs() - 80.0);
    lay(plate, 560.0);
    lay(plate + 2.2, 160.0);
}

fn shoulders(x: f64, y: f64, z: f64, lay: &mut impl FnMut(f64, f64)) {
    // Shoulder blade: a bent plate behind the ribs; head of the humerus above.
    let side = x.abs();
    let bend = 78.0 - 0.0035 * (side - 70.0) * (side - 70.0);
    let blade = ((y - bend).abs() - 3.6).max((side - 100.0).abs() - 36.0).max((z - 238.0).abs() - 62.0);
    lay(blade, 620.0);
    lay(blade + 2.0, 240.0);
    let head = ellipsoid([side - 158.0, y - 8.0, z - 312.0], [25.0, 25.0, 27.0]);
    lay(head, 700.0);
    lay(head + 3.0, 260.0);
}

/// Height above which a lung lies on its half of the diaphragm: negative above.
fn dome(x: f64, y: f64, z: f64, middle: f64, top: f64) -> f64 {
    let (u, v) = ((x - middle) / 72.0, (y + 6.0) / 92.0);
    let floor = top - 46.0 * (u * u + v * v);
    (floor - z) * 0.7
}

fn abdomen(x: f64, y: f64, z: f64, chest: f64, dome: f64, lay: &mut impl FnMut(f64, f64)) {
    let below = (-dome).max(chest + 6.0);
    if below > 4.0 {
        return;
    }
    lay(below, 45.0); // the diaphragm
    lay(below + 4.0, -95.0);
    let liver = ellipsoid([x + 52.0, y + 2.0, z - 42.0], [98.0, 84.0, 92.0]).max(below + 4.0).max(x - 58.0);
    lay(liver, 108.0);
    let stomach = ellipsoid([x - 62.0, y + 22.0, z - 44.0], [46.0, 44.0, 48.0]).max(below + 5.0);
    lay(stomach, 45.0);
    lay(stomach + 4.0, 18.0);
    lay((stomach + 4.0).max(y + 34.0), -960.0); // air rises to the front
    let spleen = ellipsoid([x - 96.0, y - 44.0, z - 46.0], [24.0, 38.0, 44.0]).max(below + 5.0);
    lay(spleen, 118.0);
    let kidney = ellipsoid([x.abs() - 58.0, y - 62.0, z - 4.0], [25.0, 24.0, 34.0]);
    lay(kidney.max(below + 6.0), 165.0);
}

fn heart(x: f64, y: f64, z: f64, lay: &mut impl FnMut(f64, f64)) {
    // Turned a quarter to the left: long axis to front and left.
    let (s, c) = (0.6, 0.8);
    let (px, py, pz) = (x - 20.0, y + 24.0, z - 148.0);
    let (u, v) = (c * px - s * py, s * px + c * py);
    let whole = ellipsoid([u, v, pz], [60.0, 44.0, 50.0]);
    lay(whole - 3.0, FAT);
    lay(whole, 55.0);
    lay(ellipsoid([u - 20.0, v - 6.0, pz + 4.0], [30.0, 17.0, 30.0]), BLOOD); // left chambers
    lay(ellipsoid([u + 4.0, v + 22.0, pz], [38.0, 12.0, 34.0]), BLOOD - 15.0); // right ventricle
    lay(ellipsoid([u + 34.0, v + 4.0, pz - 6.0], [17.0, 24.0, 28.0]), BLOOD - 15.0); // right atrium
    lay(ellipsoid([u + 6.0, v - 30.0, pz - 20.0], [30.0, 13.0, 18.0]), BLOOD); // left atrium
}

fn spine(x: f64, y: f64, z: f64, lay: &mut impl FnMut(f64, f64)) {
    let pitch = 27.0;
    let level = z / pitch;
    let from_disc = (level - level.floor() - 0.5).abs() * pitch;
    let body = ellipse(x, y - 66.0, 21.0 + 0.25 * from_disc, 16.5 + 0.2 * from_disc);
    lay(body, 75.0); // disc
    let bone = body.max(from_disc - 10.5);
    lay(bone, 520.0);
    lay(bone + 2.2, 210.0);
    let arch = ellipse(x, y - 90.0, 16.0, 13.0);
    lay(arch, 560.0);
    let process = ellipse(x, y - 108.0, 4.0, 16.0).max(from_disc - 9.0);
    lay(process, 480.0);
    let wings = ellipse(x.abs() - 26.0, y - 88.0, 17.0, 5.0).max(from_disc - 6.5);
    lay(wings, 460.0);
    lay(arch + 5.0, 32.0); // canal
    // Long muscles beside it are muscle already; the cord is a little denser.
    lay(ellipse(x, y - 90.0, 5.0, 4.0), 42.0);
}

/// Great vessels, windpipe, gullet and collar bones.
fn fixed_tubes() -> Vec<Tube> {
    let path = |points: &[[f64; 3]], radius: f64, hu: f64| -> Vec<Tube> {
        points.windows(2).map(|w| Tube { a: w[0], b: w[1], radius, hu }).collect()
    };
    let aorta = [
        [8.0, -8.0, 170.0],
        [-14.0, -18.0, 200.0],
        [-12.0, -12.0, 224.0],
        [0.0, 10.0, 240.0],
        [16.0, 32.0, 236.0],
        [22.0, 44.0, 216.0],
        [22.0, 46.0, 120.0],
        [8.0, 44.0, -10.0],
    ];
    let airway = [[0.0, 12.0, 330.0], [-2.0, 18.0, 212.0]];
    let bronchi = [[[-2.0, 18.0, 212.0], [-40.0, 16.0, 188.0]], [[-2.0, 18.0, 212.0], [42.0, 20.0, 184.0]]];
    let mut all = path(&aorta, 12.5, BLOOD + 10.0);
    all.extend(path(&[[-28.0, -16.0, 150.0], [-28.0, -16.0, 250.0]], 9.0, BLOOD - 20.0)); // upper vena cava
    all.extend(path(&[[-18.0, 14.0, 120.0], [-14.0, 30.0, -10.0]], 11.0, BLOOD - 30.0)); // lower vena cava
    all.extend(path(&[[4.0, -26.0, 178.0], [14.0, -8.0, 202.0], [44.0, 8.0, 196.0]], 11.0, BLOOD));
    all.extend(path(&[[14.0, -8.0, 200.0], [-38.0, 6.0, 192.0]], 10.0, BLOOD));
    for side in [-1.0, 1.0] {
        all.extend(path(&[[side * 16.0, 0.0, 236.0], [side * 24.0, -2.0, 330.0]], 4.5, BLOOD)); // carotids
        all.extend(path(
            &[[side * 22.0, -4.0, 302.0], [side * 90.0, -22.0, 306.0], [side * 150.0, 0.0, 292.0]],
            5.0,
            BLOOD - 20.0,
        ));
        all.extend(path(&[[side * 16.0, -78.0, 284.0], [side * 70.0, -66.0, 292.0], [side * 140.0, -22.0, 304.0]], 7.0, 650.0));
        all.extend(path(&[[side * 16.0, -78.0, 284.0], [side * 70.0, -66.0, 292.0], [side * 140.0, -22.0, 304.0]], 4.2, 240.0));
    }
    all.extend(path(&[[6.0, 34.0, 330.0], [8.0, 34.0, 150.0], [22.0, 20.0, 70.0]], 6.0, 40.0)); // gullet
    all.extend(path(&airway, 11.0, 30.0));
    all.extend(bronchi.iter().flat_map(|b| path(b, 8.0, 30.0)));
    all.extend(path(&airway, 9.0, AIR));
    all.extend(bronchi.iter().flat_map(|b| path(b, 6.4, AIR)));
    all
}

/// Two trees of lung vessels, each branch thinner than its stem.
fn vessels(seed: u64, tubes: &mut Vec<Tube>) {
    for (tree, x) in [(0, -42.0), (1, 44.0)] {
        for branch in 0..STEMS {
            let id = tree * STEMS + branch;
            let t = branch as f64 / (STEMS - 1) as f64;
            let spread = 100.0 * wiggle(seed, id, 1);
            let toward = [x * (1.0 + wiggle(seed, id, 0).abs()), spread, 220.0 * (t - 0.55)];
            grow(seed, id + 1, [x, 12.0, 190.0], unit(toward), [42.0, 4.6], tubes);
        }
    }
}

/// Vessels that leave the root of each lung.
const STEMS: u64 = 14;

/// One branch of some length and radius, and all that grows from it.
fn grow(seed: u64, id: u64, from: [f64; 3], along: [f64; 3], [length, radius]: [f64; 2], tubes: &mut Vec<Tube>) {
    if radius < 0.6 {
        return;
    }
    // A branch that would leave the lung is tried shorter.
    for share in [1.0, 0.6, 0.35] {
        let to: [f64; 3] = std::array::from_fn(|i| from[i] + along[i] * length * share);
        let floor = dome(to[0], to[1], to[2], 68.0 * to[0].signum(), if to[0] < 0.0 { 118.0 } else { 102.0 });
        if chest(to[0], to[1], to[2]) > -7.0 || floor > -3.0 || to[0].abs() < 26.0 {
            continue;
        }
        tubes.push(Tube { a: from, b: to, radius, hu: 40.0 });
        for child in 0..3 {
            let id = hash(seed, id, 200 + child);
            let bent = std::array::from_fn(|i| along[i] + 0.8 * wiggle(seed, id, i as u64));
            let thinner = 0.7 + 0.06 * wiggle(seed, id, 3);
            grow(seed, id, to, unit(bent), [length * 0.76, radius * thinner], tubes);
        }
        return;
    }
}

/// A number from -1 to 1.
fn wiggle(seed: u64, id: u64, axis: u64) -> f64 {
    (hash(seed, id, 100 + axis) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = v.iter().map(|c| c * c).sum::<f64>().sqrt();
    v.map(|c| c / length)
}

impl Tube {
    fn distance(&self, p: [f64; 3]) -> f64 {
        let ab: [f64; 3] = std::array::from_fn(|i| self.b[i] - self.a[i]);
        let ap: [f64; 3] = std::array::from_fn(|i| p[i] - self.a[i]);
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let t = (dot(ap, ab) / dot(ab, ab)).clamp(0.0, 1.0);
        let off: [f64; 3] = std::array::from_fn(|i| ap[i] - ab[i] * t);
        dot(off, off).sqrt() - self.radius
    }
}
