//! Tiles of a table of bytes turned, so that what lay row by row lies column by column.

/// Columns of a tile.
pub const COLUMNS: usize = 8;
/// Rows of a tile.
pub const ROWS: usize = 16;

/// The columns of a tile, from its rows.
#[inline(always)]
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub fn transpose(rows: &[[u8; COLUMNS]; ROWS]) -> [[u8; ROWS]; COLUMNS] {
    use std::arch::x86_64::{__m128i, _mm_unpackhi_epi8, _mm_unpacklo_epi8};
    // Two rows a vector.  A byte's place has seven binary digits: four of its row, three of its
    // column, the upper three of which name the vector.  Each step joins the vectors that differ in
    // the first digit, byte by byte, which moves that digit behind the others.
    let mut vectors: [__m128i; 8] = pulp::bytemuck::cast(*rows);
    for _ in 0..4 {
        let before = vectors;
        for i in 0..4 {
            // SAFETY: every x86-64 has SSE2, and nothing here touches memory.
            unsafe {
                vectors[2 * i] = _mm_unpacklo_epi8(before[i], before[i + 4]);
                vectors[2 * i + 1] = _mm_unpackhi_epi8(before[i], before[i + 4]);
            }
        }
    }
    pulp::bytemuck::cast(vectors)
}

/// The columns of a tile, from its rows.
#[inline(always)]
#[cfg(not(target_arch = "x86_64"))]
pub fn transpose(rows: &[[u8; COLUMNS]; ROWS]) -> [[u8; ROWS]; COLUMNS] {
    std::array::from_fn(|column| std::array::from_fn(|row| rows[row][column]))
}

#[cfg(test)]
mod tests {
    use super::transpose;

    #[test]
    fn columns_are_those_of_the_rows() {
        let rows =
            std::array::from_fn(|row| std::array::from_fn(|column| (row * 8 + column) as u8));
        let columns = transpose(&rows);
        for row in 0..16 {
            for column in 0..8 {
                assert_eq!(columns[column][row], rows[row][column]);
            }
        }
    }
}
